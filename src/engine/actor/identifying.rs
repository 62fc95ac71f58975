//! What the actor holds of identification, and the verdict on a unit.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::others::Others;
use super::v3::V3;
use crate::catalog::{Catalog, Known};
use crate::engine::catalog_files::load_catalog;
use crate::engine::identify::queue::{Queue, Wanted, Who};
use crate::engine::identify::unit::NeighborTable;
use crate::engine::identify::{IdentifyConfig, MAX_OPEN, Slots};
use crate::model::appliance::Appliance;
use crate::model::identification::{Confidence, Identification};
use crate::model::identity::{ApplianceId, Mac, serial_key};
use crate::model::network::Network;
use crate::model::probing::{ClueKind, Probe, Probed};
use crate::model::sighting::Source;
use crate::model::snapshot::CatalogState;
use crate::model::time::Timestamp;
use crate::settings::IdentifySettings;

/// A unit that was newly heard is asked after this time: by then a flood is known as one.
pub(super) const AUTOMATIC_AFTER_MILLIS: u64 = 1_000;

/// Newly heard units that wait to be asked.
const AUTOMATIC_KEPT: usize = 8_192;

/// A unit that was silent is asked again when it is heard after this time: many announce themselves before their services
/// run.
const AGAIN_AFTER_MILLIS: [u64; 3] = [30_000, 120_000, 600_000];

/// Units that are asked by themselves, and those that were.
#[derive(Debug, Default)]
pub(super) struct Automatic {
    pub(super) waiting: VecDeque<(ApplianceId, Timestamp)>,
    seen: HashMap<ApplianceId, Turn>,
}

/// How often a unit was asked by itself, and when it may be again.
#[derive(Clone, Copy, Debug)]
struct Turn {
    num_asked: usize,
    /// `None` while it waits, and after the last time.
    again: Option<Timestamp>,
}

impl Automatic {
    /// A unit was heard that nobody asked yet, or that was silent when it was asked.
    pub(super) fn heard(&mut self, id: ApplianceId, now: Timestamp) {
        if self.waiting.len() >= AUTOMATIC_KEPT {
            return;
        }
        let num_asked = match self.seen.get(&id) {
            None => 0,
            Some(turn) if turn.again.is_some_and(|again| now >= again) => turn.num_asked,
            Some(_) => return,
        };
        let again = None;
        self.seen.insert(id, Turn { num_asked, again });
        self.waiting
            .push_back((id, now.plus_millis(AUTOMATIC_AFTER_MILLIS)));
    }

    /// It is asked now.
    pub(super) fn asked(&mut self, id: ApplianceId, now: Timestamp) {
        if let Some(turn) = self.seen.get_mut(&id) {
            let after = AGAIN_AFTER_MILLIS.get(turn.num_asked);
            turn.again = after.map(|after| now.plus_millis(*after));
            turn.num_asked += 1;
        }
    }

    /// It cannot be asked now: another time, when it is heard.
    pub(super) fn not_asked(&mut self, id: ApplianceId) {
        self.seen.remove(&id);
    }

    /// Nobody is asked any more of those who wait; they are asked when they are heard again and it is wanted again.
    pub(super) fn forget_waiting(&mut self) {
        for (id, _) in self.waiting.drain(..) {
            self.seen.remove(&id);
        }
    }
}

/// Everything of identification that the actor holds.
pub(super) struct Identifying {
    pub(super) queue: Queue,
    pub(super) automatic: Automatic,
    pub(super) catalog: Arc<Catalog>,
    pub(super) catalog_state: Arc<CatalogState>,
    pub(super) slots: Slots,
    pub(super) neighbors: NeighborTable,
    pub(super) wanted: Arc<BTreeSet<Probe>>,
    pub(super) communities: Arc<[String]>,
    pub(super) v3: V3,
    pub(super) others: Others,
    pub(super) sweep: Option<SweepProbing>,
    /// Whether a person waits for the word that it is over.
    pub(super) is_asked: bool,
    pub(super) next_look: Timestamp,
}

/// A sweep whose addresses are probed.
pub(super) struct SweepProbing {
    /// Addresses that were put into the queue already.
    pub(super) taken: HashSet<Ipv4Addr>,
    /// Whether addresses that did not answer are probed as well.
    pub(super) is_whole: bool,
    /// Why the neighbors cannot be looked at: then every local address is probed.
    pub(super) no_neighbors: bool,
}

impl Identifying {
    pub(super) async fn new(config: &IdentifyConfig, now: Timestamp) -> Self {
        let (catalog, state) = load_catalog(config.catalog_dir.clone()).await;
        let mut this = Self {
            queue: Queue::default(),
            automatic: Automatic::default(),
            catalog,
            catalog_state: Arc::new(state),
            slots: Slots::new(MAX_OPEN),
            neighbors: NeighborTable::default(),
            wanted: Arc::default(),
            communities: Arc::from([]),
            v3: V3::new(config.v3.clone()),
            others: Others::default(),
            sweep: None,
            is_asked: false,
            next_look: now,
        };
        this.set(&config.settings);
        this
    }

    /// Takes over what a person chose.
    pub(super) fn set(&mut self, settings: &IdentifySettings) {
        let wanted = Probe::ALL
            .into_iter()
            .filter(|probe| !settings.off.iter().any(|off| off == probe.word()));
        self.wanted = Arc::new(wanted.collect());
        self.communities = settings.communities.clone().into();
    }

    /// Another site is open: nothing of the old one goes on.
    pub(super) fn begin_site(&mut self, now: Timestamp) {
        self.queue.stop(now);
        self.queue = Queue::default();
        self.automatic = Automatic::default();
        self.others = Others::default();
        self.sweep = None;
        self.is_asked = false;
    }

    /// Whether addresses of a sweep are still to be probed.
    pub(super) fn is_sweeping(&self) -> bool {
        self.sweep.is_some() || self.queue.is_sweeping()
    }

    /// A sweep begins.
    pub(super) fn begin_sweep(&mut self, is_whole: bool) {
        self.sweep = Some(SweepProbing {
            taken: HashSet::new(),
            is_whole,
            no_neighbors: !self.wanted.contains(&Probe::Neighbors),
        });
    }

    /// Puts addresses of the sweep into the queue, each once.
    pub(super) fn probe_swept(&mut self, ips: Vec<Ipv4Addr>, now: Timestamp) {
        let Some(probing) = &mut self.sweep else {
            return;
        };
        for ip in ips {
            if probing.taken.insert(ip) {
                let wanted = Wanted {
                    who: Who::Swept,
                    ip,
                    is_thorough: false,
                };
                self.queue.push(wanted, false, now);
            }
        }
    }

    /// Takes local addresses out that are not among the neighbors after a sweep that asked them all: nobody is there.
    pub(super) fn without_nobody(&self, ips: &mut Vec<Ipv4Addr>, networks: &[Network]) {
        let Some(probing) = self.sweep.as_ref().filter(|probing| probing.is_whole) else {
            return;
        };
        if !probing.no_neighbors {
            ips.retain(|ip| probing.taken.contains(ip) || !is_local(*ip, networks));
        }
    }

    /// A person stopped the sweep.
    pub(super) fn stop_sweep(&mut self, now: Timestamp) {
        self.sweep = None;
        self.queue.stop_swept(now);
    }

    /// What the catalog makes of a unit.
    pub(super) fn judge(
        &self,
        unit: Option<&Appliance>,
        probed: &Probed,
        mac: Option<Mac>,
        now: Timestamp,
    ) -> Identification {
        let heard = unit.and_then(|unit| unit.heard.as_ref());
        let known = Known {
            mac: unit.and_then(Appliance::mac).map(|best| best.value).or(mac),
            speaks_aidp: unit.is_some_and(speaks_aidp),
            host_name: heard.and_then(|heard| heard.name.value().map(String::as_str)),
            model_number: heard.and_then(|heard| heard.model_number),
            probed: Some(probed),
            now,
        };
        let mut identified = self.catalog.identify(&known);
        if let Some(unit) = unit {
            identified
                .contradictions
                .extend(against_what_is_written(unit, probed, &identified));
        }
        identified
    }
}

/// Whether an address is in a local subnet, where the table of neighbors tells whether anybody has it.
pub(super) fn is_local(ip: Ipv4Addr, networks: &[Network]) -> bool {
    !ip.is_loopback() && networks.iter().any(|network| network.contains(ip))
}

/// Whether a unit ever answered by the discovery protocol.
fn speaks_aidp(unit: &Appliance) -> bool {
    let is_reply = |source: Source| source.is_aidp() && source != Source::Undecoded;
    unit.heard
        .as_ref()
        .is_some_and(|heard| is_reply(heard.last_source) || heard.model_number.is_some())
        || unit
            .evidence
            .iter()
            .any(|evidence| is_reply(evidence.source))
}

/// Whether two models are written so differently that they mean two products: `ACS 8048` and `ACS8048-NA` do not.
fn is_other_model(written: &str, own: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let (written, own) = (plain(written), plain(own));
    !written.is_empty() && !written.contains(&own) && !own.contains(&written)
}

/// Where a unit says something else of itself than a file or a person does.
fn against_what_is_written(
    unit: &Appliance,
    probed: &Probed,
    identified: &Identification,
) -> Vec<String> {
    let by_hand = unit.typed.by_hand.as_deref();
    let written = by_hand.into_iter().chain(unit.imported.as_deref());
    let says = |what: &str, written: &str, own: &str| {
        format!("The {what} is written as {written:?}, and the unit itself says {own:?}")
    };
    let mut words = Vec::new();
    for facts in written {
        if let Some(own) = probed.clue(ClueKind::Serial)
            && let (Some(a), Some(b)) = (serial_key(&facts.serial), serial_key(own))
            && a != b
        {
            words.push(says("serial", &facts.serial, own));
        }
        let model = identified
            .product
            .as_ref()
            .filter(|_| identified.confidence == Some(Confidence::Certain))
            .and_then(|product| product.model.as_deref());
        if let Some(own) = model
            && is_other_model(&facts.model, own)
        {
            words.push(says("model", &facts.model, own));
        }
    }
    words.sort();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who waits, taken out.
    fn waiting(automatic: &mut Automatic) -> usize {
        automatic.waiting.drain(..).count()
    }

    #[test]
    fn a_unit_that_was_silent_is_asked_again_a_few_times() {
        let id = ApplianceId(7);
        let mut automatic = Automatic::default();
        let mut now = Timestamp::from_millis(1_800_000_000_000);
        automatic.heard(id, now);
        automatic.heard(id, now);
        assert_eq!(
            waiting(&mut automatic),
            1,
            "once, however often it is heard"
        );
        for after in AGAIN_AFTER_MILLIS {
            automatic.asked(id, now);
            automatic.heard(id, now.plus_millis(after - 1));
            assert_eq!(waiting(&mut automatic), 0, "not before {after} ms");
            now = now.plus_millis(after);
            automatic.heard(id, now);
            assert_eq!(waiting(&mut automatic), 1, "after {after} ms");
        }
        automatic.asked(id, now);
        automatic.heard(id, now.plus_millis(86_400_000));
        assert_eq!(waiting(&mut automatic), 0, "then only when a person asks");
    }
}
