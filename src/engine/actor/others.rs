//! What answered in swept ranges and shows no sign of being a unit. Kept beside the units, never among them, until another
//! site is opened.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::model::probing::{ClueKind, Probed};
use crate::model::registry::ProbeResult;
use crate::model::snapshot::{OTHERS_KEPT, OtherAnswer};

/// The list, and the form of it that snapshots share.
#[derive(Debug, Default)]
pub(super) struct Others {
    by_ip: BTreeMap<Ipv4Addr, Arc<OtherAnswer>>,
    shared: Option<Arc<Vec<Arc<OtherAnswer>>>>,
    num_left_out: u64,
}

impl Others {
    /// Keeps one, while there is room; a newer answer of the same address takes the place of the older one.
    pub(super) fn keep(&mut self, result: &ProbeResult) {
        let ip = result.probed.ip;
        if self.by_ip.len() >= OTHERS_KEPT && !self.by_ip.contains_key(&ip) {
            self.num_left_out += 1;
            return;
        }
        let other = OtherAnswer {
            what: in_words(&result.probed),
            probed: Arc::clone(&result.probed),
            identified: Arc::clone(&result.identified),
        };
        self.by_ip.insert(ip, Arc::new(other));
        self.shared = None;
    }

    /// It is a unit now.
    pub(super) fn remove(&mut self, ip: Ipv4Addr) {
        if self.by_ip.remove(&ip).is_some() {
            self.shared = None;
        }
    }

    /// For the snapshot; the same as before while nothing changed.
    pub(super) fn shared(&mut self) -> Arc<Vec<Arc<OtherAnswer>>> {
        let by_ip = &self.by_ip;
        Arc::clone(
            self.shared
                .get_or_insert_with(|| Arc::new(by_ip.values().cloned().collect())),
        )
    }

    /// How many did not fit.
    pub(super) const fn num_left_out(&self) -> u64 {
        self.num_left_out
    }
}

/// What something seems to be, as it says itself.
fn in_words(probed: &Probed) -> String {
    const TELLING: [ClueKind; 8] = [
        ClueKind::Description,
        ClueKind::SystemName,
        ClueKind::HttpTitle,
        ClueKind::HttpServer,
        ClueKind::CertSubject,
        ClueKind::SshBanner,
        ClueKind::TelnetBanner,
        ClueKind::NeighborMac,
    ];
    let said: Vec<&str> = TELLING
        .into_iter()
        .filter_map(|kind| probed.clue(kind))
        .take(2)
        .collect();
    if said.is_empty() {
        "It answers, and says nothing of itself".to_owned()
    } else {
        said.join(" · ")
    }
}
