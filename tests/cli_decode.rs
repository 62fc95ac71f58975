//! `rollcall-cli decode`, started as a person would: what it prints, where, and how it exits.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const VECTORS: &str = include_str!("data/vectors.json");

const KEYS: [&str; 8] = [
    "result", "kind", "type", "sequence", "fields", "remarks", "reason", "facts",
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
