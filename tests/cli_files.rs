//! `rollcall-cli import`, `export` and the refusals of the others, started as a person would. No network is touched.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const PLAN: &str = "name,mac,serial,room\n\
    fra2-r01-con1,00:E0:86:00:00:01,0520011634,b\n\
    fra2-r01-kvm1,zz,0520011635,b\n";

fn rollcall(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rollcall-cli"))
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .expect("the binary was built for this test")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("the inventory is UTF-8")
}

/// A folder with a site that the plan was imported into.
fn with_site() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("there is room for a folder");
    tempfile::NamedTempFile::new_in(dir.path())
        .and_then(|file| {
            std::io::Write::write_all(&mut file.as_file(), PLAN.as_bytes())?;
            Ok(file.persist(dir.path().join("plan.csv"))?)
        })
        .expect("there is room for a file");
    let output = rollcall(
        dir.path(),
        &["import", "--site", "fra2.rollcall", "plan.csv"],
    );
    assert_eq!(
        output.status.code(),
        Some(1),
        "a refused row is a finding: {}",
        stderr(&output)
    );
    let report: Value = serde_json::from_str(&stdout(&output)).expect("one JSON object a file");
    assert_eq!(report["added"], 1);
    assert_eq!(report["num_rows"], 2);
    assert_eq!(report["refused"][0]["line"], 3);
    assert_eq!(report["refused"][0]["column"], "mac");
    assert_eq!(report["refused"][0]["value"], "zz");
    dir
}

#[test]
fn what_was_imported_is_exported() {
    let dir = with_site();
    let csv = rollcall(dir.path(), &["export", "--site", "fra2.rollcall"]);
    assert_eq!(csv.status.code(), Some(0), "{}", stderr(&csv));
    let text = stdout(&csv);
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let header = lines.next().expect("a header");
    assert!(header.starts_with("status,name,model"), "{header:?}");
    assert!(
        header.ends_with(",room"),
        "unknown columns come last: {header:?}"
    );
    let line = lines.next().expect("one unit");
    for cell in ["fra2-r01-con1", "00:e0:86:00:00:01", "0520011634"] {
        assert!(line.contains(cell), "{cell:?} is missing from {line:?}");
    }
    assert_eq!(lines.next(), None, "there is only one unit");

    let args = ["export", "--site", "fra2.rollcall", "--format", "json"];
    let by_format = rollcall(dir.path(), &args);
    let object: Value = serde_json::from_str(&stdout(&by_format)).expect("JSON");
    assert!(object.is_object(), "with a format name and version");

    let args = ["export", "--site", "fra2.rollcall", "--output", "out.json"];
    let to_file = rollcall(dir.path(), &args);
    assert_eq!(to_file.status.code(), Some(0), "{}", stderr(&to_file));
    assert_eq!(stdout(&to_file), "", "the file has it");
    let written = std::fs::read(dir.path().join("out.json")).expect("the file is there");
    let written: Value = serde_json::from_slice(&written).expect("the ending says JSON");
    assert_eq!(written["units"], object["units"]);
    assert_ne!(written["units"], json!([]));
}

#[test]
fn a_file_is_replaced_only_when_asked_for() {
    let dir = with_site();
    let export = ["export", "--site", "fra2.rollcall", "--output", "plan.csv"];
    let refused = rollcall(dir.path(), &export);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("--overwrite"),
        "{}",
        stderr(&refused)
    );
    let read = || std::fs::read_to_string(dir.path().join("plan.csv")).expect("it is there");
    assert_eq!(read(), PLAN, "it is as it was");
    let replaced = rollcall(dir.path(), &[&export[..], &["--overwrite"]].concat());
    assert_eq!(replaced.status.code(), Some(0), "{}", stderr(&replaced));
    assert_ne!(read(), PLAN);
}

#[test]
fn what_is_no_site_is_refused_and_left_as_it_is() {
    let dir = with_site();
    for args in [
        &["export", "--site", "missing.rollcall"][..],
        &["export", "--site", "plan.csv"],
        &["import", "--site", "plan.csv", "plan.csv"],
        &["search", "--seconds", "1", "--site", "plan.csv"],
        &["import", "--site", "fra2.rollcall", "missing.csv"],
    ] {
        let output = rollcall(dir.path(), args);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{args:?}: {}",
            stderr(&output)
        );
        assert_eq!(stdout(&output), "", "{args:?} has no result");
        let plan = std::fs::read_to_string(dir.path().join("plan.csv")).expect("it is there");
        assert_eq!(plan, PLAN, "{args:?} leaves it as it is");
    }
    assert!(!dir.path().join("missing.rollcall").exists());
}

#[test]
fn wrong_usage_is_refused_before_anything_is_opened() {
    let dir = tempfile::tempdir().expect("there is room for a folder");
    for (args, words) in [
        (&["sweep", "10.0.0.0/8"][..], "more than a /12"),
        (&["sweep", "10.0.0.0/14"], "--yes"),
        (&["sweep", "fra2"], "fra2"),
        (&["sweep"], "required"),
        (
            &["search", "--seconds", "1", "--interface", "no-such-nic"],
            "no interface is named \"no-such-nic\"",
        ),
        (&["listen", "--seconds", "soon"], "invalid value"),
        (&["export", "--site", "a", "--format", "xlsx"], "csv, json"),
        (&["reboot"], "unrecognized subcommand"),
    ] {
        let output = rollcall(dir.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = stderr(&output);
        assert!(said.contains(words), "{words:?} is missing from {said:?}");
    }
}

#[test]
fn every_subcommand_has_help_with_an_example() {
    let dir = tempfile::tempdir().expect("there is room for a folder");
    for name in [
        "decode", "listen", "search", "sweep", "export", "import", "simulate", "doctor",
    ] {
        let output = rollcall(dir.path(), &[name, "--help"]);
        assert_eq!(output.status.code(), Some(0));
        let help = stdout(&output);
        let example = format!("Example:\n  rollcall-cli {name} ");
        assert!(help.contains(&example), "{name} has no example: {help}");
    }
}
