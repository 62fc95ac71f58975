//! The one mutable collection of units: takes sightings and edits in, tells who is who, and stays within its bounds.
//! Pure: the time comes with the sighting. Only the engine's actor holds one (invariant 3).

mod archive;
#[cfg(test)]
mod audit;
mod edits;
mod history;
mod import;
mod index;
mod limits;
mod merge;
mod places;
mod probing;
mod same;
mod senders;
mod sights;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

pub use self::limits::Limits;
pub use self::probing::ProbeResult;
pub use self::same::Answered;
pub use self::sights::Change;

use self::archive::Archive;
use self::history::History;
use self::index::Index;
use self::places::Places;
use self::senders::Senders;
use super::appliance::Appliance;
use super::identity::{ApplianceId, Mac};
use super::sighting::{RawDatagram, Stray, StrayReason};
use super::snapshot::{FloodLine, FloodSender, Searcher, Units};
use super::status::{InterfaceContext, StatusContext};
use super::time::Timestamp;
use crate::wire::Kind;

/// How many sightings are kept of a unit.
pub const SIGHTINGS_KEPT: usize = 32;

/// How many raw datagrams are kept of a unit.
pub const RAW_KEPT: usize = 4;

/// How many other searchers are remembered.
const SEARCHERS_KEPT: usize = 64;

/// A new unit is saved only after this time, so that the first units of a flood are known as such before.
const SAVE_AFTER_MILLIS: u64 = 300;

/// Every unit of a site, with what is needed to tell them apart.
#[derive(Debug)]
pub struct Registry {
    limits: Limits,
    opened: Timestamp,
    places: Places,
    by_mac: HashMap<Mac, ApplianceId>,
    by_serial: Index<String>,
    /// Units without a MAC, by the interface that heard them and their address. Units that only a file knows stand
    /// under the empty interface.
    by_spot: Index<(Arc<str>, Ipv4Addr)>,
    /// Who claims an address over the network.
    claims: HashMap<Ipv4Addr, Vec<ApplianceId>>,
    /// Addresses that several MACs claim; what the status looks at.
    shared_ips: Arc<HashMap<Ipv4Addr, u32>>,
    interfaces: Arc<HashMap<Arc<str>, InterfaceContext>>,
    senders: Senders,
    archive: Archive,
    history: History,
    strays: VecDeque<Arc<Stray>>,
    stray_bytes: usize,
    stray_seq: u64,
    searchers: Vec<Searcher>,
    extra_columns: Arc<Vec<String>>,
    extra_columns_dirty: bool,
    dirty: HashSet<ApplianceId>,
    removed: Vec<ApplianceId>,
    next_id: u64,
    /// Counts up with every change of a unit or of what a status depends on.
    revision: u64,
    /// When units that went back and forth are no longer in conflict: at most one entry for each second of the window.
    flap_ends: BTreeSet<Timestamp>,
    /// Sightings that would have made a unit beyond [`Limits::units`].
    refused_by_limit: u64,
    /// Bytes that the answers to probes of all units cost.
    probed_bytes: usize,
    /// Whose answers make room for newer ones.
    oldest_probed: limits::Oldest,
    /// Whether answers to probes were cut because of [`Limits::probed_bytes`].
    probed_were_cut: bool,
    /// Whether evidence was dropped because of [`Limits::evidence_bytes`].
    evidence_was_dropped: bool,
}

/// What has to be saved.
#[derive(Debug, Default)]
pub struct Dirty {
    /// Units as they are now.
    pub changed: Vec<Arc<Appliance>>,
    /// Units that are gone.
    pub removed: Vec<ApplianceId>,
    /// The unknown columns, when they changed.
    pub extra_columns: Option<Vec<String>>,
    /// The number that the next unit gets.
    pub next_id: u64,
}

impl Registry {
    /// An empty registry of a site that is opened at `opened`.
    pub fn new(limits: Limits, opened: Timestamp) -> Self {
        Self {
            limits,
            opened,
            places: Places::default(),
            by_mac: HashMap::new(),
            by_serial: Index::default(),
            by_spot: Index::default(),
            claims: HashMap::new(),
            shared_ips: Arc::default(),
            interfaces: Arc::default(),
            senders: Senders::default(),
            archive: Archive::default(),
            history: History::default(),
            strays: VecDeque::new(),
            stray_bytes: 0,
            stray_seq: 0,
            searchers: Vec::new(),
            extra_columns: Arc::default(),
            extra_columns_dirty: false,
            dirty: HashSet::new(),
            removed: Vec::new(),
            next_id: 1,
            revision: 0,
            flap_ends: BTreeSet::new(),
            refused_by_limit: 0,
            probed_bytes: 0,
            oldest_probed: limits::Oldest::default(),
            probed_were_cut: false,
            evidence_was_dropped: false,
        }
    }

    /// Takes over what a site file holds. Nothing of it counts as changed.
    pub fn load(&mut self, units: Vec<Appliance>, extra_columns: Vec<String>, next_id: u64) {
        self.extra_columns = Arc::new(extra_columns);
        self.next_id = next_id.max(1);
        for mut unit in units {
            self.next_id = self.next_id.max(unit.id.0 + 1);
            if self.places.contains(unit.id) || self.places.len() >= self.limits.units {
                continue;
            }
            if let Some(heard) = &mut unit.heard {
                // Read from a file piece by piece, with room for more that seldom comes.
                heard.presence.shrink_to_fit();
                heard.earlier_ips.shrink_to_fit();
            }
            unit.evidence.shrink_to_fit();
            self.place(unit);
        }
        self.trim_evidence();
        self.make_room(0, None);
        self.dirty = HashSet::new();
    }

    /// The units, cheap to clone.
    pub fn units(&self) -> Units {
        self.places.units()
    }

    /// One unit.
    pub fn get(&self, id: ApplianceId) -> Option<&Arc<Appliance>> {
        self.places.get(id)
    }

    /// How many units there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.len() == 0
    }

    /// Counts up with every change of a unit or of what a status depends on.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// What a status depends on beside the unit.
    pub fn context(&self, now: Timestamp) -> StatusContext {
        StatusContext {
            opened: self.opened,
            interfaces: Arc::clone(&self.interfaces),
            shared_ips: Arc::clone(&self.shared_ips),
            now,
        }
    }

    /// Names of the columns that Rollcall does not know.
    pub fn extra_columns(&self) -> Arc<Vec<String>> {
        Arc::clone(&self.extra_columns)
    }

    /// Takes over what the interfaces are like now.
    pub fn set_interfaces(&mut self, interfaces: HashMap<Arc<str>, InterfaceContext>) {
        if *self.interfaces != interfaces {
            self.interfaces = Arc::new(interfaces);
            self.revision += 1;
        }
    }

    /// Notices what changes by the mere passing of time: a conflict that is over.
    pub fn age(&mut self, now: Timestamp) {
        let still_open = self.flap_ends.split_off(&now.plus_millis(1));
        if !std::mem::replace(&mut self.flap_ends, still_open).is_empty() {
            self.revision += 1;
        }
    }

    /// Senders that flood.
    pub fn floods(&self) -> Vec<FloodLine> {
        self.senders.lines()
    }

    /// Counts up when a flood line changed.
    pub const fn floods_revision(&self) -> u64 {
        self.senders.revision
    }

    /// The newest datagrams that made no unit, oldest first.
    pub fn strays(&self) -> impl ExactSizeIterator<Item = &Arc<Stray>> {
        self.strays.iter()
    }

    /// Counts up with every stray datagram.
    pub const fn stray_seq(&self) -> u64 {
        self.stray_seq
    }

    /// Other programs that search on these networks.
    pub fn searchers(&self) -> &[Searcher] {
        &self.searchers
    }

    /// Bytes that the evidence of all units costs.
    pub const fn evidence_bytes(&self) -> usize {
        self.archive.bytes()
    }

    /// Keeps a datagram that made no unit.
    pub fn keep_stray(&mut self, mut stray: Stray) {
        self.stray_seq += 1;
        stray.seq = self.stray_seq;
        self.stray_bytes += stray.raw.bytes.len();
        self.strays.push_back(Arc::new(stray));
        while self.strays.len() > self.limits.strays || self.stray_bytes > self.limits.stray_bytes {
            let Some(gone) = self.strays.pop_front() else {
                break;
            };
            self.stray_bytes -= gone.raw.bytes.len();
        }
    }

    /// Counts a request of another searcher. It never makes a unit.
    pub fn note_request(
        &mut self,
        interface: &Arc<str>,
        ip: IpAddr,
        kind: Kind,
        meant: Option<Mac>,
        when: Timestamp,
    ) {
        let known = self
            .searchers
            .iter_mut()
            .find(|searcher| searcher.ip == ip && searcher.interface == *interface);
        if let Some(searcher) = known {
            searcher.kind = kind.label();
            searcher.meant = meant.or(searcher.meant);
            searcher.count += 1;
            searcher.last = when;
            return;
        }
        if self.searchers.len() >= SEARCHERS_KEPT {
            let oldest = (0..self.searchers.len()).min_by_key(|idx| self.searchers[*idx].last);
            if let Some(oldest) = oldest {
                self.searchers.swap_remove(oldest);
            }
        }
        let kind = kind.label();
        self.searchers.push(Searcher {
            ip,
            interface: Arc::clone(interface),
            kind,
            meant,
            count: 1,
            last: when,
        });
    }

    /// Whether something waits to be saved.
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty() || !self.removed.is_empty() || self.extra_columns_dirty
    }

    /// Hands out what has to be saved. Units on trial, and those first heard just now, wait: `now` in milliseconds
    /// decides. At the end of a session everything else goes with `closing`.
    pub fn take_dirty(&mut self, now: Timestamp, closing: bool) -> Dirty {
        let mut batch = Dirty {
            next_id: self.next_id,
            ..Dirty::default()
        };
        let places = &self.places;
        self.dirty.retain(|id| {
            let Some(unit) = places.get(*id) else {
                return false;
            };
            if let Some(heard) = &unit.heard {
                // In both directions: a clock that was set back must not put saving off for hours.
                let age_millis = now.as_millis().abs_diff(heard.first.as_millis());
                let is_young = age_millis < SAVE_AFTER_MILLIS;
                if heard.provisional
                    && unit.typed == super::appliance::Typed::default()
                    && unit.imported.is_none()
                {
                    return false;
                }
                if is_young && !closing {
                    return true;
                }
            }
            batch.changed.push(Arc::clone(unit));
            false
        });
        batch.changed.sort_unstable_by_key(|unit| unit.id);
        batch.removed = std::mem::take(&mut self.removed);
        if std::mem::take(&mut self.extra_columns_dirty) {
            batch.extra_columns = Some(self.extra_columns.to_vec());
        }
        batch
    }

    /// Takes back a batch that could not be saved, to be handed out again.
    pub fn put_back(&mut self, batch: &Dirty) {
        self.dirty.extend(batch.changed.iter().map(|unit| unit.id));
        self.removed.extend(&batch.removed);
        self.extra_columns_dirty |= batch.extra_columns.is_some();
    }

    /// Marks everything as changed, for a site that goes on in a new file.
    pub fn mark_all_dirty(&mut self) {
        self.dirty.extend(self.places.ids());
        self.extra_columns_dirty = true;
    }

    fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }

    /// Changes a unit: a new version of it, a new revision, and it has to be saved.
    fn change(&mut self, id: ApplianceId, change: impl FnOnce(&mut Appliance)) {
        let revision = self.next_revision();
        if let Some(unit) = self.places.get_mut(id) {
            unit.revision = revision;
            change(unit);
            self.dirty.insert(id);
        }
    }

    /// Gives a new number.
    fn new_id(&mut self) -> ApplianceId {
        let id = ApplianceId(self.next_id);
        self.next_id += 1;
        id
    }

    /// Puts a unit into the registry and all its indexes.
    fn place(&mut self, mut unit: Appliance) {
        unit.revision = self.next_revision();
        let id = unit.id;
        self.archive.adopt(id, &unit.evidence);
        if let Some(probed) = &unit.probed {
            self.probed_bytes += probed.num_bytes();
            self.oldest_probed.enter(id, probed);
        }
        self.dirty.insert(id);
        self.places.insert(unit);
        self.index(id);
    }

    /// Takes a unit out of the registry and all its indexes.
    fn take_out(&mut self, id: ApplianceId) -> Option<Arc<Appliance>> {
        self.unindex(id);
        let unit = self.places.remove(id)?;
        self.archive.release(&unit.evidence);
        self.probed_bytes -= unit.probed.as_ref().map_or(0, |probed| probed.num_bytes());
        self.dirty.remove(&id);
        self.removed.push(id);
        self.revision += 1;
        Some(unit)
    }

    /// Enters a unit's keys. A key that another unit has already stays with that unit.
    fn index(&mut self, id: ApplianceId) {
        let Some(unit) = self.places.get(id).cloned() else {
            return;
        };
        let mac = key_mac(&unit);
        if let Some(mac) = mac {
            self.by_mac.entry(mac).or_insert(id);
        }
        if let Some(serial) = unit.serial_key() {
            self.by_serial.enter(serial, id);
        }
        if mac.is_none() {
            for spot in spots(&unit) {
                self.by_spot.enter(spot, id);
            }
        }
        if let Some(ip) = unit.heard_ip() {
            self.add_claim(ip, id);
        }
    }

    /// Takes a unit's keys out.
    fn unindex(&mut self, id: ApplianceId) {
        let Some(unit) = self.places.get(id).cloned() else {
            return;
        };
        if let Some(mac) = unit.mac().map(|best| best.value) {
            remove_if(&mut self.by_mac, &mac, id);
        }
        if let Some(serial) = unit.serial_key() {
            self.by_serial.leave(&serial, id);
        }
        for spot in spots(&unit) {
            self.by_spot.leave(&spot, id);
        }
        if let Some(ip) = unit.heard_ip() {
            self.remove_claim(ip, id);
        }
    }

    fn add_claim(&mut self, ip: Ipv4Addr, id: ApplianceId) {
        // One, as a rule.
        let ids = self
            .claims
            .entry(ip)
            .or_insert_with(|| Vec::with_capacity(1));
        if !ids.contains(&id) {
            ids.push(id);
            self.count_claims(ip);
        }
    }

    fn remove_claim(&mut self, ip: Ipv4Addr, id: ApplianceId) {
        if let Some(ids) = self.claims.get_mut(&ip) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.claims.remove(&ip);
            }
            self.count_claims(ip);
        }
    }

    /// Counts the MACs that claim an address, anew.
    fn count_claims(&mut self, ip: Ipv4Addr) {
        let ids = self.claims.get(&ip).map(Vec::as_slice).unwrap_or_default();
        let count = if ids.len() < 2 {
            0
        } else {
            let with_mac = ids.iter().filter(|id| {
                self.places
                    .get(**id)
                    .is_some_and(|unit| key_mac(unit).is_some())
            });
            with_mac.count()
        };
        let count = if count > 1 {
            u32::try_from(count).unwrap_or(u32::MAX)
        } else {
            0
        };
        if self.shared_ips.get(&ip).copied().unwrap_or(0) != count {
            let shared = Arc::make_mut(&mut self.shared_ips);
            if count == 0 {
                shared.remove(&ip);
            } else {
                shared.insert(ip, count);
            }
            self.revision += 1;
        }
    }

    /// Whether the address is one of the laptop's own.
    pub fn is_own_ip(&self, ip: Ipv4Addr) -> bool {
        let interfaces = &self.interfaces;
        // A handful of interfaces; the order does not matter for a yes or no.
        interfaces
            .values()
            .any(|interface| interface.networks.iter().any(|network| network.ip == ip))
    }

    /// Drops the oldest evidence until the bound holds.
    fn trim_evidence(&mut self) {
        if self.archive.is_crowded(self.places.len()) {
            let units = self.places.units();
            let rings = units.iter().map(|(_, unit)| (unit.id, &unit.evidence));
            self.archive.enter_all(rings);
        }
        while self.archive.bytes() > self.limits.evidence_bytes {
            let Some((id, seq)) = self.archive.pop_oldest() else {
                break;
            };
            let Some(unit) = self.places.get(id) else {
                continue;
            };
            let is_oldest = unit
                .evidence
                .front()
                .is_some_and(|evidence| evidence.seq <= seq);
            if is_oldest && let Some(unit) = self.places.get_mut(id) {
                self.archive.trim(&mut unit.evidence);
                self.evidence_was_dropped = true;
            }
            if let Some(unit) = self.places.get(id) {
                self.archive.put_back(id, &unit.evidence);
            }
        }
    }
}

/// The MAC by which a unit is known: one of a file may be none that tells units apart.
fn key_mac(unit: &Appliance) -> Option<Mac> {
    unit.mac().map(|best| best.value).filter(|mac| mac.is_key())
}

/// The spots by which a unit without a MAC is known.
fn spots(unit: &Appliance) -> Vec<(Arc<str>, Ipv4Addr)> {
    match &unit.heard {
        Some(heard) => {
            let ip = unit.heard_ip().filter(|ip| super::identity::is_ip_key(*ip));
            let names = heard
                .presence
                .iter()
                .map(|presence| Arc::clone(&presence.interface));
            ip.map(|ip| names.map(|name| (name, ip)).collect())
                .unwrap_or_default()
        }
        None => unit
            .ip_value()
            .map(|ip| (Arc::from(""), ip))
            .into_iter()
            .collect(),
    }
}

fn remove_if<K: std::hash::Hash + Eq>(map: &mut HashMap<K, ApplianceId>, key: &K, id: ApplianceId) {
    if map.get(key) == Some(&id) {
        map.remove(key);
    }
}

/// A stray made of a sighting that names nothing to know its sender by.
fn stray_of(sighting: super::sighting::Sighting) -> Stray {
    Stray {
        seq: 0,
        when: sighting.when,
        from: sighting.from,
        interface: sighting.interface,
        channel: sighting.channel,
        raw: RawDatagram { ..sighting.raw },
        reason: StrayReason::NoIdentity,
    }
}

/// The sender of a sighting, as far as floods go.
fn sender_of(sighting: &super::sighting::Sighting) -> FloodSender {
    FloodSender {
        interface: Arc::clone(&sighting.interface),
        ip: sighting.from.ip(),
    }
}
