//! How long saving and loading take. Run alone, optimized.

use std::fs;
use std::io::Write;

use rollcall::engine::store::Store;
use rollcall::model::appliance::Appliance;

use crate::support::{batch, close, folder, heard_unit, open, save, save_as};

#[test]
#[ignore = "measures: build optimized and run alone"]
fn measures_saving_and_loading() {
    let now = {
        #[expect(clippy::disallowed_methods, reason = "a measurement needs a clock")]
        || std::time::Instant::now()
    };
    let folder = folder();
    let path = folder.path().join("hall.rollcall");
    let (store, _) = Store::create(&path).expect("a new site is made");
    let units: Vec<Appliance> = (1..=100_000).map(|id| heard_unit(id, 6)).collect();
    let mut report: Vec<u8> = Vec::new();
    let mut time = |what: &str, start: std::time::Instant| {
        writeln!(report, "{what}: {} ms", start.elapsed().as_millis()).expect("memory is enough");
    };
    let all = batch(&units);
    let start = now();
    save(&store, &all).expect("it is saved");
    time("save 100,000 new units", start);
    for round in 0..5 {
        let mut changed = units[..1_000].to_vec();
        for unit in &mut changed {
            let mut newest = unit.evidence.back().expect("it was heard").clone();
            newest.seq += 100 + round;
            unit.evidence.push_back(newest);
        }
        let mut changed = batch(&changed);
        changed.next_id = 100_001;
        let start = now();
        save(&store, &changed).expect("it is saved");
        time("save 1,000 changed units", start);
    }
    let start = now();
    close(store);
    time("close", start);
    let bytes = fs::metadata(&path).expect("it is there").len();
    let start = now();
    let (store, contents) = open(&path);
    time("open 100,000 units", start);
    assert_eq!(contents.units.len(), 100_000);
    let start = now();
    let (reader, ..) = Store::open(&path).expect("it can be read");
    time("open the same in a second window", start);
    close(reader);
    let start = now();
    save_as(&store, &folder.path().join("other.rollcall"), false).expect("it is saved");
    time("save as", start);
    close(store);
    writeln!(report, "{} KiB", bytes / 1024).expect("memory is enough");
    std::io::stdout()
        .write_all(&report)
        .expect("somebody reads it");
}
