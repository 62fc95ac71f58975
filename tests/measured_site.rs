//! The site of 100,000 units that `dist/measure.sh` opens.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use rollcall::engine::store::{SaveBatch, Store};
use rollcall::model::appliance::FileFacts;
use rollcall::model::edit::{Edit, ImportRow};
use rollcall::model::identity::Mac;
use rollcall::model::registry::{Limits, Registry};
use rollcall::model::sighting::{Channel, Claims, RawDatagram, Sighting, Source};
use rollcall::model::time::Timestamp;
use rollcall::wire::{Claimed, DiscoverReply, Remarks};

const NUM_UNITS: u32 = 100_000;

/// Sightings of each unit: together more evidence than a site keeps, so that the bound is what is measured.
const NUM_SIGHTINGS: u32 = 6;

const OPENED: Timestamp = Timestamp::from_millis(1_795_349_561_000);

fn mac(unit: u32) -> [u8; 6] {
    let [a, b, c, d] = unit.to_be_bytes();
    [0x00, 0xe0, a, b, c, d]
}

fn sighting(unit: u32, round: u32, interface: &Arc<str>) -> Sighting {
    let [_, a, b, c] = unit.to_be_bytes();
    let reply = DiscoverReply {
        model_number: Some(14),
        mac: Some(mac(unit)),
        ip: Claimed::Ip([10, a, b, c].into()),
        mask: Claimed::Ip([255, 0, 0, 0].into()),
        gateway: Claimed::Ip([10, 255, 0, 1].into()),
        host_name: Some(format!("fra2-r{:02}-acs{unit:06}", unit % 40)),
        modes: Some(4),
    };
    Sighting {
        source: Source::Reply,
        channel: Channel::Udp3502,
        interface: Arc::clone(interface),
        from: SocketAddr::from(([10, a, b, c], 3502)),
        when: OPENED.plus_millis(u64::from(round) * 15_000),
        claims: Claims::from_reply(&reply),
        raw: RawDatagram::keep(&reply.emit(1)),
        remarks: Remarks::NONE,
    }
}

/// What a file says of every fourth unit.
fn row(unit: u32) -> ImportRow {
    ImportRow {
        line: u64::from(unit) + 2,
        facts: Arc::new(FileFacts {
            model: "ACS 8048".to_owned(),
            class: "console server".to_owned(),
            mac: Some(Mac::new(mac(unit))),
            serial: format!("05{unit:08}"),
            part_number: "ACS8048DAC-400".to_owned(),
            firmware: "2.30.2".to_owned(),
            planned_name: format!("fra2-r{:02}-acs{unit:06}", unit % 40),
            planned_place: format!("FRA2, rack {}", unit % 40),
            ..FileFacts::default()
        }),
    }
}

#[test]
#[ignore = "writes the site that dist/measure.sh opens, to ROLLCALL_MEASURED_SITE"]
fn writes_a_site_of_100_000_units() {
    let path = PathBuf::from(
        std::env::var_os("ROLLCALL_MEASURED_SITE").expect("ROLLCALL_MEASURED_SITE says where"),
    );
    // Every unit answers from its own address, and none of them is taken for a flood.
    let limits = Limits {
        senders: NUM_UNITS as usize,
        ..Limits::default()
    };
    let mut registry = Registry::new(limits, OPENED);
    let interface: Arc<str> = Arc::from("eth0");
    for round in 0..NUM_SIGHTINGS {
        for unit in 0..NUM_UNITS {
            registry.apply(sighting(unit, round, &interface));
        }
    }
    registry.edit(Edit::Import {
        file_name: "plan.csv".to_owned(),
        extra_columns: Vec::new(),
        rows: (0..NUM_UNITS).step_by(4).map(row).collect(),
    });
    assert_eq!(registry.len(), NUM_UNITS as usize, "every unit is one");
    let dirty = registry.take_dirty(OPENED.plus_millis(3_600_000), true);
    let batch = SaveBatch {
        has_v3: None,
        changed: dirty.changed,
        removed: dirty.removed,
        extra_columns: dirty.extra_columns,
        next_id: dirty.next_id,
        watching: rollcall::engine::store::WatchBatch::default(),
    };
    let (store, _) = Store::create(&path).expect("a new site is made");
    let (tell, told) = sync_channel(1);
    let saved = tell.clone();
    store
        .save(batch, move |result| {
            saved.send(result).expect("it is waited for");
        })
        .expect("nothing else is being saved");
    told.recv().expect("it answers").expect("it is saved");
    store.close(move |result| {
        tell.send(result).expect("it is waited for");
    });
    told.recv().expect("it answers").expect("it is closed");
}
