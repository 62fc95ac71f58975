//! What is watched of the open site: findings, the record of what comes and goes, and what of both is to be saved and shown.

use std::sync::Arc;

use super::plane::{Item, Plane};
use super::recorder::Recorder;
use super::store::{WatchBatch, WatchContents};
use crate::model::exposure::Exposed;
use crate::model::finding::{FindingKey, ManagementNetwork};
use crate::model::registry::Registry;
use crate::model::snapshot::Units;
use crate::model::time::Timestamp;
use crate::model::traffic::{SeenDatagram, Traffic};
use crate::model::watching::Watching;
use crate::watch::{Heard, Limits, Said, WatchedInterface, Watcher};

/// How much of the ring goes into the site file with one save: more than any hall brings between two saves, and little
/// enough that a save stays short.
const SAVED_AT_ONCE_BYTES: u64 = 8 << 20;

/// The time between two pictures of the traffic.
const TRAFFIC_EVERY_MILLIS: u64 = 1_000;

/// What is watched.
pub(super) struct PortWatch {
    pub(super) recorder: Arc<Recorder>,
    watcher: Watcher,
    management: Arc<Vec<ManagementNetwork>>,
    management_is_dirty: bool,
    /// Whether a verdict waits to be saved, or what could not be saved.
    has_unsaved: bool,
    /// The registry's floods that the watcher was told of.
    floods_revision: u64,
    recent_seq: u64,
    recent: Arc<Vec<Arc<SeenDatagram>>>,
    traffic: Arc<Traffic>,
    traffic_read: Timestamp,
}

impl PortWatch {
    /// Goes on with what a site file has.
    pub(super) fn new(recorder: Arc<Recorder>, limits: Limits, contents: WatchContents) -> Self {
        let mut watcher = Watcher::new(limits);
        watcher.load(contents.findings, &contents.management);
        recorder.with_ring(|ring| ring.load(contents.segments));
        Self {
            recorder,
            watcher,
            management: Arc::new(contents.management),
            management_is_dirty: false,
            has_unsaved: false,
            floods_revision: 0,
            recent_seq: 0,
            recent: Arc::default(),
            traffic: Arc::default(),
            traffic_read: Timestamp::default(),
        }
    }

    /// The units of the site are known: none of them is a stranger.
    pub(super) fn know_units(&mut self, units: &Units) {
        for (_, unit) in units.iter() {
            if let Some(ip) = unit.ip().and_then(|best| best.value) {
                self.watcher.know_unit(ip);
            }
        }
    }

    /// Looks at what came in.
    pub(super) fn hear(&mut self, item: &Item) {
        let heard = match item {
            Item::Sighting(sighting) => Heard {
                interface: &sighting.interface,
                channel: sighting.channel,
                from: sighting.from,
                when: sighting.when,
                raw: &sighting.raw,
                said: Said::Claims {
                    source: sighting.source,
                    claims: &sighting.claims,
                },
            },
            Item::Stray(stray) => Heard {
                interface: &stray.interface,
                channel: stray.channel,
                from: stray.from,
                when: stray.when,
                raw: &stray.raw,
                said: Said::Stray(&stray.reason),
            },
            Item::Request(request) => Heard {
                interface: &request.interface,
                channel: request.channel,
                from: request.from,
                when: request.when,
                raw: &request.raw,
                said: Said::Request {
                    kind: request.kind,
                    meant: request.meant,
                },
            },
        };
        self.watcher.see(&heard);
    }

    /// What an exposure check found.
    pub(super) fn note_exposed(&mut self, exposed: &Exposed, now: Timestamp) {
        self.watcher.note_exposed(exposed, now);
    }

    /// What is due with time. To be called every 100 ms.
    pub(super) fn tick(&mut self, registry: &Registry, now: Timestamp) {
        if registry.floods_revision() != self.floods_revision {
            self.floods_revision = registry.floods_revision();
            for flood in registry.floods() {
                self.watcher.note_flood(&flood, now);
            }
        }
        self.watcher.tick(now);
    }

    /// The interfaces as they are now.
    pub(super) fn set_interfaces(&mut self, plane: &Plane) {
        let interfaces = plane.interfaces().into_iter().map(|here| WatchedInterface {
            shown_name: here.shown_name().to_owned(),
            name: here.name,
            networks: here.networks,
        });
        self.watcher.set_interfaces(interfaces.collect());
    }

    /// The same for a replay, which has no interfaces of its own.
    pub(super) fn set_replayed_interfaces(&mut self, interfaces: Vec<WatchedInterface>) {
        self.watcher.set_interfaces(interfaces);
    }

    /// A person said where units belong.
    pub(super) fn set_management(&mut self, networks: Vec<ManagementNetwork>, now: Timestamp) {
        if *self.management == networks {
            return;
        }
        self.watcher.set_management(&networks, now);
        self.management = Arc::new(networks);
        self.management_is_dirty = true;
    }

    /// Where units belong.
    pub(super) fn management(&self) -> &[ManagementNetwork] {
        &self.management
    }

    /// A person judged a finding.
    pub(super) fn judge(&mut self, key: &FindingKey, accept: Option<String>, now: Timestamp) {
        self.has_unsaved |= self.watcher.judge(key, accept, now);
    }

    /// Whether a person's change waits to be saved, or something that could not be. What is found and captured is saved as
    /// it comes.
    pub(super) const fn is_dirty(&self) -> bool {
        self.management_is_dirty || self.has_unsaved
    }

    /// What is to be saved; with `all`, also what of the ring is only a moment old.
    pub(super) fn take_batch(&mut self, now: Timestamp, all: bool) -> WatchBatch {
        self.has_unsaved = false;
        let max_bytes = if all { u64::MAX } else { SAVED_AT_ONCE_BYTES };
        let capture = self
            .recorder
            .with_ring(|ring| ring.unsaved(max_bytes, now, all));
        WatchBatch {
            findings: self.watcher.take_dirty(),
            forgotten: self.watcher.take_removed(),
            management: std::mem::take(&mut self.management_is_dirty)
                .then(|| self.management.to_vec()),
            capture,
        }
    }

    /// It was saved.
    pub(super) fn saved(&mut self, batch: &WatchBatch) {
        if !batch.capture.is_empty() {
            self.recorder.with_ring(|ring| ring.saved(&batch.capture));
        }
    }

    /// It was not saved, and is to be saved with the next one.
    pub(super) fn put_back(&mut self, batch: WatchBatch) {
        self.has_unsaved |= !batch.is_empty();
        self.management_is_dirty |= batch.management.is_some();
        self.watcher.put_back(batch.findings);
        self.watcher.put_back_removed(batch.forgotten);
    }

    /// Everything is to be saved: the site goes on in another file.
    pub(super) fn mark_all_dirty(&mut self) {
        self.management_is_dirty = true;
        let all = self.watcher.findings();
        self.watcher.put_back(all.iter().cloned().collect());
    }

    /// What the window draws of it.
    pub(super) fn picture(&mut self, now: Timestamp) -> Watching {
        if let Some((seq, recent)) = self.recorder.recent_since(self.recent_seq) {
            self.recent_seq = seq;
            self.recent = Arc::new(recent);
        }
        if now.as_millis().abs_diff(self.traffic_read.as_millis()) >= TRAFFIC_EVERY_MILLIS {
            self.traffic_read = now;
            let traffic = self.recorder.traffic();
            if *self.traffic != traffic {
                self.traffic = Arc::new(traffic);
            }
        }
        let is_on = self.recorder.is_capturing();
        Watching {
            findings: self.watcher.findings(),
            num_open: self.watcher.num_open(),
            management: Arc::clone(&self.management),
            traffic: Arc::clone(&self.traffic),
            recent: Arc::clone(&self.recent),
            capture: self.recorder.with_ring(|ring| ring.state(is_on)),
            ..Watching::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::hearing::Ear;
    use crate::engine::questions::OwnQuestions;
    use crate::model::finding::FindingKind;
    use crate::model::identity::Mac;
    use crate::model::sighting::Channel;
    use crate::model::traffic::DatagramKind;
    use crate::watch::SETTLE_MILLIS;
    use crate::wire::{Claimed, IpRequest, Kind};

    /// From the bytes to the findings: a request and the stray that comes with it are one datagram.
    #[test]
    fn a_set_ip_that_is_cut_is_one_finding_and_no_stranger() {
        let when = Timestamp::from_millis(1_795_349_561_000);
        let recorder = Arc::new(Recorder::new(false));
        let mut watch = PortWatch::new(
            Arc::clone(&recorder),
            Limits::default(),
            WatchContents::default(),
        );
        let ear = Ear {
            interface: Arc::from("eth0"),
            channel: Channel::Udp3502,
            port: 3502,
            decoder_port: 3502,
            counters: Arc::default(),
            own: Arc::new(OwnQuestions::new(100)),
            recorder,
            decoders: crate::engine::decoding::DecoderSlot::default(),
        };
        let mac = [0x00, 0xe0, 0x86, 0x12, 0x34, 0x56];
        let whole = IpRequest {
            mac: Some(mac),
            ip: Claimed::Ip([10, 0, 0, 9].into()),
            ..IpRequest::default()
        }
        .emit(Kind::SetIpRequest, 7);
        let from = "10.0.0.66:3502".parse().expect("a literal");
        let mut items = Vec::new();
        ear.hear(&whole[..whole.len() - 4], from, when, &mut items);
        let mut registry = Registry::new(crate::model::registry::Limits::default(), when);
        for item in items {
            watch.hear(&item);
            match item {
                Item::Sighting(sighting) => panic!("a request never makes a unit: {sighting:?}"),
                Item::Stray(stray) => registry.keep_stray(stray),
                Item::Request(_) => {}
            }
        }
        for millis in [0, SETTLE_MILLIS, 2 * SETTLE_MILLIS, 10 * SETTLE_MILLIS] {
            watch.tick(&registry, when.plus_millis(millis));
        }
        let picture = watch.picture(when);
        let [finding] = picture.findings.as_slice() else {
            panic!("one finding: {:#?}", picture.findings);
        };
        assert_eq!(finding.key.kind, FindingKind::ForeignSetIp);
        assert_eq!((finding.mac, finding.count), (Some(Mac::new(mac)), 1));
        let [seen] = picture.recent.as_slice() else {
            panic!("one datagram: {:#?}", picture.recent);
        };
        assert_eq!(seen.kind, DatagramKind::SetIp);
        assert_eq!(registry.strays().len(), 1, "its bytes are shown");
    }
}
