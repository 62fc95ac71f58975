//! Units to save, and calls that wait for the store.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use rollcall::engine::store::{OpenSite, SaveBatch, SiteContents, Store, StoreError};
use rollcall::model::appliance::{Appliance, Heard, Presence, Typed};
use rollcall::model::fact::Fact;
use rollcall::model::identity::{ApplianceId, Mac};
use rollcall::model::registry::RAW_KEPT;
use rollcall::model::sighting::{Channel, Evidence, Source};
use rollcall::model::time::Timestamp;
use rollcall::wire::Remarks;

pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("the system has a temporary folder")
}

/// Waits for a job of the store.
pub(crate) fn done<T: Send + 'static>(job: impl FnOnce(Box<dyn FnOnce(T) + Send>)) -> T {
    let (tell, told) = sync_channel(1);
    job(Box::new(move |result| {
        tell.send(result).expect("the test waits for it");
    }));
    told.recv().expect("the store answers every job")
}

pub(crate) fn save(store: &Store, batch: &SaveBatch) -> Result<(), StoreError> {
    done(|tell| {
        store
            .save(batch.clone(), tell)
            .expect("nothing else is being saved");
    })
}

pub(crate) fn save_as(
    store: &Store,
    path: &Path,
    overwrite: bool,
) -> Result<Option<String>, StoreError> {
    done(|tell| store.save_as(path, overwrite, tell))
}

pub(crate) fn close(store: Store) {
    done(|tell| store.close(tell)).expect("the site closes");
}

pub(crate) fn batch(units: &[Appliance]) -> SaveBatch {
    SaveBatch {
        has_v3: None,
        changed: units.iter().cloned().map(Arc::new).collect(),
        next_id: units.iter().map(|unit| unit.id.0 + 1).max().unwrap_or(1),
        ..SaveBatch::default()
    }
}

pub(crate) fn open(path: &Path) -> (Store, SiteContents) {
    let (store, contents, open_site) = Store::open(path).expect("the site opens");
    assert_eq!(open_site, OpenSite::Writable);
    (store, contents)
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("the entry can be read").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

pub(crate) fn write(path: &Path, bytes: &[u8]) {
    let mut file = File::create(path).expect("files can be made here");
    file.write_all(bytes).expect("the file can be written");
}

/// What was heard `count` times of a unit that has an address.
pub(crate) fn heard_unit(id: u64, count: u64) -> Appliance {
    let when = Timestamp::from_millis(1_795_349_561_250).plus_millis(id);
    let source = Source::Reply;
    let evidence: VecDeque<Evidence> = (0..count)
        .map(|nth| Evidence {
            seq: id * 1_000 + nth,
            when,
            from: SocketAddr::from((Ipv4Addr::from(0x0a00_0000 + id as u32), 3502)),
            interface: Arc::from("eth0"),
            raw: (nth + RAW_KEPT as u64 >= count).then(|| Arc::from(vec![nth as u8; 51])),
            full_len: 51,
            source,
            channel: Channel::Udp3502,
            remarks: Remarks::NONE,
        })
        .collect();
    Appliance {
        id: ApplianceId(id),
        revision: id,
        heard: Some(Heard {
            name: Fact::Known {
                value: format!("ACS8048-{id:05}"),
                source,
                when,
            },
            mac: Fact::Known {
                value: Mac::new([0, 0xe0, 0x86, (id >> 16) as u8, (id >> 8) as u8, id as u8]),
                source,
                when,
            },
            ip: Fact::Known {
                value: Some(Ipv4Addr::from(0x0a00_0000 + id as u32)),
                source,
                when,
            },
            mask: Fact::Unavailable,
            gateway: Fact::Known {
                value: None,
                source,
                when,
            },
            model_number: Some(7),
            modes: None,
            taught: None,
            earlier_ips: Vec::new(),
            flapped: None,
            presence: vec![Presence {
                interface: Arc::from("eth0"),
                last: when,
                answered_search: true,
                heard_at_ask: 0,
            }],
            first: when,
            last: when,
            last_source: source,
            provisional: false,
        }),
        probed: None,
        identified: None,
        imported: None,
        typed: Typed::default(),
        evidence,
    }
}

pub(crate) fn heard_units(count: u64) -> Vec<Appliance> {
    (1..=count).map(|id| heard_unit(id, 6)).collect()
}

/// What comes back: revisions count from 1, and no search was asked yet.
pub(crate) fn as_reopened(units: &[Appliance]) -> Vec<Appliance> {
    let mut units = units.to_vec();
    units.sort_by_key(|unit| unit.id);
    for (revision, unit) in (1..).zip(&mut units) {
        unit.revision = revision;
        for presence in unit.heard.iter_mut().flat_map(|heard| &mut heard.presence) {
            presence.heard_at_ask = 0;
        }
    }
    units
}

/// A closed site with some units.
pub(crate) fn closed_site(folder: &Path, units: &[Appliance]) -> PathBuf {
    let path = folder.join("hall 7.rollcall");
    let (store, contents) = Store::create(&path).expect("a new site is made");
    assert_eq!((contents.units.len(), contents.next_id), (0, 1));
    assert_eq!(contents.name, "hall 7");
    save(&store, &batch(units)).expect("it is saved");
    close(store);
    path
}
