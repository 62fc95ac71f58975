//! Targets, in a file of their own.

use std::path::PathBuf;
use std::sync::Arc;

use rollcall::engine::command::{Command, Notice, TargetsRequest};
use rollcall::inventory::Delimiter;
use rollcall::model::snapshot::Snapshot;

use crate::ber;
use crate::hall::{Hall, acs8048, identify, start, unit_ip};

/// The name of the first serial port (facts, "ACS 800 and 8000").
const FIRST_NAME: &str = "1.3.6.1.4.1.10418.26.2.3.2.1.4.1";

fn export(path: PathBuf, snapshot: &Arc<Snapshot>) -> Command {
    let units = snapshot.units.iter();
    Command::ExportTargets(Box::new(TargetsRequest {
        path,
        delimiter: Delimiter::Comma,
        for_spreadsheets: true,
        snapshot: Arc::clone(snapshot),
        rows: units.map(|(slot, unit)| (slot, unit.id)).collect(),
        overwrite: false,
    }))
}

fn is_exported(notice: &Notice) -> bool {
    matches!(notice, Notice::TargetsExported { num_rows: 48, .. })
}

#[tokio::test]
async fn targets_go_into_a_file_of_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut hall = Hall::new();
    let recording = acs8048()
        .without(FIRST_NAME)
        .with(FIRST_NAME, ber::text("=1+1"));
    hall.snmp(unit_ip(51), &recording).await;
    let mut running = start(&hall, folder.path());
    running.hear(52).await;
    let id = running.hear(51).await;
    running.send(identify(&[id]));
    let snapshot = running.until_known(51).await;
    let path = folder.path().join("targets.csv");
    running.send(export(path.clone(), &snapshot));
    running.notice("the file", is_exported).await;
    let text = std::fs::read_to_string(&path).expect("the file is there");
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(
        lines[0],
        "unit_name,unit_model,unit_ip,unit_mac,unit_serial,port,tty,name,status,speed,connected,defused"
    );
    assert_eq!(
        lines.len(),
        1 + 48,
        "one line a target, none for a unit without"
    );
    let of_unit = "con-51,ACS8048,127.0.0.51,00:e0:86:00:00:33,0520098231";
    assert_eq!(
        lines[1],
        format!("{of_unit},1,ttyS1,'=1+1,idle,9600,yes,yes"),
        "a formula is defused"
    );
    assert_eq!(
        lines[48],
        format!("{of_unit},48,ttyS48,00-00-0c-p-48,disabled,115200,no,yes")
    );

    std::fs::write(&path, "precious").expect("written");
    running.send(export(path.clone(), &snapshot));
    let is_question = |notice: &Notice| matches!(notice, Notice::TargetsWouldReplace(_));
    let notice = running.notice("a question", is_question).await;
    let there = std::fs::read_to_string(&path).expect("the file is there");
    assert_eq!(there, "precious", "nothing is replaced without a yes");
    let Notice::TargetsWouldReplace(mut request) = notice else {
        unreachable!()
    };
    request.overwrite = true;
    running.send(Command::ExportTargets(request));
    running.notice("the file", is_exported).await;
    assert_eq!(std::fs::read_to_string(&path).expect("there"), text);
    running.close().await;
}
