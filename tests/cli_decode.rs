//! `rollcall-cli decode`, started as a person would: what it prints, where, and how it exits.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const VECTORS: &str = include_str!("data/vectors.json");

const KEYS: [&str; 9] = [
    "result", "kind", "type", "sequence", "fields", "remarks", "reason", "facts", "taught",
];

const FACT_KEYS: [&str; 7] = [
    "model_number",
    "mac",
    "address",
    "mask",
    "gateway",
    "host_name",
    "modes",
];

const REQUEST: &str = "0141494450000101000000060100020108ff0d";

fn decode(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rollcall-cli"))
        .arg("decode")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("the binary was built for this test")
}

fn decode_stdin(input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rollcall-cli"))
        .args(["decode", "--hex-file", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was built for this test");
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_vec();
    // On a thread of its own, since the answers may fill their pipe before all is written.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("it ends with its input");
    writer
        .join()
        .expect("writing does not panic")
        .expect("decode reads to the end");
    output
}

fn objects(output: &Output) -> Vec<Value> {
    std::str::from_utf8(&output.stdout)
        .expect("JSON is UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is a JSON object"))
        .collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn keys(object: &Value) -> Vec<&str> {
    let object = object.as_object().expect("a JSON object");
    object.keys().map(String::as_str).collect()
}

fn sorted<const N: usize>(mut keys: [&str; N]) -> Vec<&str> {
    keys.sort_unstable();
    keys.to_vec()
}

/// Whether `found` says what the row of the vectors says, and null for everything else.
fn assert_is_row(row: &Value, found: &Value) {
    let name = &row["name"];
    assert_eq!(keys(found), sorted(KEYS), "keys of {name}");
    for key in KEYS.into_iter().filter(|key| *key != "facts") {
        let expected = row["expect"].get(key).unwrap_or(&Value::Null);
        assert_eq!(&found[key], expected, "{key:?} of {name}");
    }
    let is_reply = row["expect"]["kind"] == "discover-reply";
    assert_eq!(found["facts"].is_null(), !is_reply, "facts of {name}");
    if is_reply {
        assert_eq!(keys(&found["facts"]), sorted(FACT_KEYS), "facts of {name}");
    }
    for (key, expected) in row["facts"].as_object().into_iter().flatten() {
        assert_eq!(&found["facts"][key], expected, "fact {key:?} of {name}");
    }
}

#[test]
fn every_row_of_the_vectors_is_decoded_as_it_says() {
    let rows: Vec<Value> = serde_json::from_str(VECTORS).expect("the vectors are a JSON list");
    assert!(rows.len() >= 34, "the copy of the vectors lost rows");
    let hexes: Vec<&str> = rows
        .iter()
        .map(|row| row["hex"].as_str().expect("every row has its bytes"))
        .collect();

    let mut args = vec!["--hex"];
    args.extend(&hexes);
    let by_argument = decode(&args);
    assert_eq!(
        by_argument.status.code(),
        Some(1),
        "some rows are refused, which is a finding: {}",
        stderr(&by_argument)
    );
    let found = objects(&by_argument);
    assert_eq!(found.len(), rows.len(), "one object a datagram");
    for (row, found) in rows.iter().zip(&found) {
        assert_is_row(row, found);
    }

    // An empty datagram cannot be told from a blank line, so it has no place in a file.
    let lines: Vec<&str> = hexes
        .iter()
        .copied()
        .filter(|hex| !hex.is_empty())
        .collect();
    let by_file = decode_stdin(lines.join("\n").as_bytes());
    let expected: Vec<Value> = found
        .into_iter()
        .zip(&hexes)
        .filter(|(_, hex)| !hex.is_empty())
        .map(|(found, _)| found)
        .collect();
    assert_eq!(objects(&by_file), expected, "a file says the same");
    assert_eq!(by_file.status.code(), Some(1));
}

#[test]
fn a_well_formed_datagram_is_no_finding() {
    let output = decode(&["--hex", REQUEST]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");
    assert_eq!(
        objects(&output),
        [json!({
            "result": "message",
            "kind": "discover-request",
            "type": 1,
            "sequence": 1,
            "fields": [{"type": 1, "hex": "0108"}],
            "remarks": [],
            "reason": null,
            "facts": null,
            "taught": null,
        })]
    );
}

#[test]
fn separators_between_the_digits_do_not_matter() {
    let expected = objects(&decode(&["--hex", REQUEST]));
    for hex in [
        "0x0141494450000101000000060100020108FF0D",
        "01 41 49 44 50 00 01 01 00 00 00 06 01 00 02 01 08 ff 0d",
        "01:41:49:44:50:00:01:01:00:00:00:06:01:00:02:01:08:ff:0d",
        "01-41-49-44-50-00-01-01-00-00-00-06-01-00-02-01-08-ff-0d",
    ] {
        let output = decode(&["--hex", hex]);
        assert_eq!(objects(&output), expected, "{hex:?}: {}", stderr(&output));
    }
}

#[test]
fn blank_lines_and_comments_are_skipped_in_a_file() {
    let output = decode_stdin(format!("# captured in r07\r\n\r\n  {REQUEST}\r\n\n").as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(objects(&output).len(), 1);
}

#[test]
fn what_is_no_hex_is_named_and_the_rest_is_decoded() {
    let long_line = vec![b'0'; 1_000_000];
    let mut input = format!("nonsense\n012\n\x1b[31m\n{REQUEST}\n").into_bytes();
    input.extend(long_line);
    input.extend(format!("\n{REQUEST}").bytes());
    let output = decode_stdin(&input);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(objects(&output).len(), 2, "both good lines are decoded");
    let said = stderr(&output);
    for words in [
        "datagram 1: 'n' is no hex digit",
        "datagram 2: 3 hex digits make no whole bytes",
        "datagram 3: '\\u{1b}' is no hex digit",
        "datagram 5: the line is longer than any datagram",
        "4 of the datagrams given could not be read as hex",
    ] {
        assert!(said.contains(words), "{words:?} is missing from {said:?}");
    }
}

#[test]
fn text_in_foreign_bytes_is_a_hint_on_standard_error() {
    let output = decode(&["--hex", "7f004143533830343800"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(objects(&output)[0]["result"], "not-aidp");
    let said = stderr(&output);
    assert!(
        said.contains("a hint only: text \"ACS8048\" at offset 2"),
        "{said:?}"
    );
}

#[test]
fn wrong_usage_and_missing_files_exit_with_2() {
    for args in [
        &[][..],
        &["--hex"],
        &["--hex", "00", "--hex-file", "datagrams.txt"],
        &["--nonsense"],
        &["--hex-file", "no/such/file.txt"],
    ] {
        let output = decode(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?} has no result");
        assert!(!output.stderr.is_empty(), "{args:?} says why");
    }
}

#[test]
fn help_has_an_example_that_works() {
    let output = decode(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    let example = help
        .lines()
        .find_map(|line| line.trim().strip_prefix("rollcall-cli decode "))
        .expect("the help has an example");
    let args: Vec<&str> = example.split_whitespace().collect();
    assert_eq!(decode(&args).status.code(), Some(0), "{example:?}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_panic() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rollcall-cli"))
        .args(["decode", "--hex-file", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was built for this test");
    let mut stdin = child.stdin.take().expect("it is piped");
    let writer = std::thread::spawn(move || {
        let lines = format!("{REQUEST}\n").repeat(20_000);
        // Ends with an error as soon as nobody reads any more.
        stdin.write_all(lines.as_bytes()).ok();
    });
    let stdout = child.stdout.take().expect("it is piped");
    let mut first = String::new();
    BufReader::new(stdout)
        .read_line(&mut first)
        .expect("the first object comes");
    // The reader is gone by now, and its end of the pipe with it.
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("writing does not panic");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
}

/// What the README writes in a fence of this kind, of which there is one.
fn readme_fence(kind: &str) -> &'static str {
    let (_, rest) = include_str!("../README.md")
        .split_once(&format!("```{kind}\n"))
        .expect("the README has such an example");
    let (text, rest) = rest.split_once("```").expect("the example ends");
    assert!(
        !rest.contains(&format!("```{kind}\n")),
        "there is one example"
    );
    text
}

fn decoder_file(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    let mut file = std::fs::File::create(&path).expect("the folder can be written to");
    file.write_all(text.as_bytes()).expect("the file can be");
    path.into_os_string()
        .into_string()
        .expect("its name is text")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("the system has a temporary folder")
}

#[test]
fn the_decoder_of_the_readme_reads_its_datagram_as_it_says() {
    let folder = folder();
    let file = decoder_file(&folder, "beacon.toml", readme_fence("toml"));
    let session = readme_fence("console");
    let (call, printed) = session.split_once('\n').expect("a call and its answer");
    let call = call
        .strip_prefix("$ rollcall-cli decode ")
        .expect("it is a call of decode");
    let args: Vec<&str> = call
        .split_whitespace()
        .map(|arg| if arg == "beacon.toml" { &file } else { arg })
        .collect();
    let output = decode(&args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), printed);

    let hex = args.last().expect("the datagram comes last");
    let objects = objects(&decode(&["--decoder", &file, "--hex", hex]));
    assert_eq!(keys(&objects[0]), sorted(KEYS));
    assert_eq!(objects[0]["result"], "taught");
    assert_eq!(
        objects[0]["facts"],
        json!({
            "model_number": null,
            "mac": "00:e0:86:12:34:56",
            "address": "10.20.4.17",
            "mask": null,
            "gateway": null,
            "host_name": "r-01",
            "modes": null,
        })
    );
    assert_eq!(
        objects[0]["taught"],
        json!({
            "decoder": "PDU beacon",
            "fields": [
                {"fact": "mac", "text": "00:e0:86:12:34:56", "offset": 6, "len_bytes": 6},
                {"fact": "ip", "text": "10.20.4.17", "offset": 14, "len_bytes": 4},
                {"fact": "name", "text": "r-01", "offset": 20, "len_bytes": 5},
                {"fact": "serial", "text": "001234", "offset": 27, "len_bytes": 3},
            ],
            "missed": [
                {"fact": "firmware", "why": "there is no record of type 4"},
            ],
        })
    );
}

#[test]
fn what_is_of_the_sister_protocol_is_for_no_decoder() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let all = "[[decoder]]\nname = \"all\"\nports = [3502]\nmin_length = 1\nfield = [{ fact = \"name\", offset = 1, length = 4 }]\n";
    let file = decoder_file(&folder, "all.toml", all);
    // The same bytes but for one: a decoder is asked for the second only.
    let output = decode(&[
        "--decoder",
        &file,
        "--hex",
        "0141534d500001",
        "0141534d510001",
    ]);
    let results: Vec<Value> = objects(&output)
        .iter()
        .map(|object| object["result"].clone())
        .collect();
    assert_eq!(results, ["not-aidp", "taught"], "{}", stderr(&output));
}

#[test]
fn a_bad_decoder_is_a_finding_and_the_good_ones_read() {
    let folder = folder();
    let bad = decoder_file(&folder, "bad.toml", include_str!("data/taught/bad.toml"));
    let also = decoder_file(
        &folder,
        "also.toml",
        "[[decoder]]\nname = \"good one\"\nmin_length = 1\nfield = [{ fact = \"ip\", offset = 0 }]\n",
    );
    let output = decode(&[
        "--decoder",
        &bad,
        "--decoder",
        &also,
        "--hex",
        "5044550000e086123456",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(objects(&output)[0]["taught"]["decoder"], "good one");
    let said = stderr(&output);
    for line in include_str!("data/taught/bad.txt").lines() {
        assert!(said.contains(line), "{line:?} is missing from {said:?}");
    }
    let twice = "also.toml:2:8: \"good one\": another decoder has the name already";
    assert!(said.contains(twice), "{said:?}");
}

#[test]
fn only_what_is_not_aidp_and_came_to_its_port_reaches_a_decoder() {
    let folder = folder();
    let file = decoder_file(
        &folder,
        "all.toml",
        "[[decoder]]\nname = \"all\"\nports = [3211]\nmin_length = 1\nfield = [{ fact = \"name\", offset = 0, until = \"end\" }]\n",
    );
    // A message, one whose payload overruns, and what is not AIDP.
    let overrun = "0141494450000101000000ff0100020108ff0d";
    let args = ["--decoder", &file, "--hex", REQUEST, overrun, "1b5b324a"];
    for (port, results, exit_code) in [
        (
            &["--port", "3211"][..],
            ["message", "rejected", "taught"],
            1,
        ),
        (&[], ["message", "rejected", "not-aidp"], 1),
    ] {
        let output = decode(&[port, &args].concat());
        let found: Vec<Value> = objects(&output)
            .iter()
            .map(|object| object["result"].clone())
            .collect();
        assert_eq!(found, results, "{port:?}");
        assert_eq!(output.status.code(), Some(exit_code));
    }
    let text = decode(&[&["--port", "3211", "--format", "text"], &args[..]].concat());
    assert_eq!(
        String::from_utf8_lossy(&text.stdout),
        "datagram 1: message, discover-request, sequence 1\n  field 1    0108\n\
         datagram 2: rejected, payload-overrun\n\
         datagram 3: taught by all\n  name       ␛[2J (bytes 0 to 3)\n",
        "nothing of the text acts on a terminal"
    );
}

#[test]
fn a_decoder_file_that_cannot_be_read_exits_with_2() {
    let folder = folder();
    let missing = folder.path().join("none.toml").display().to_string();
    for args in [
        ["--decoder", &missing, "--hex", REQUEST],
        ["--port", "0", "--hex", REQUEST],
    ] {
        let output = decode(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
}
