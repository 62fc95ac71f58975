//! Two numbers that turn out to be one unit: the older number stays.

use std::collections::VecDeque;
use std::sync::Arc;

use super::history::Annotations;
use super::{Registry, SIGHTINGS_KEPT};
use crate::model::appliance::{Appliance, Heard, OTHER_IPS_KEPT};
use crate::model::fact::Fact;
use crate::model::identity::ApplianceId;
use crate::model::sighting::Evidence;
use crate::model::time::Timestamp;

impl Registry {
    /// Merges two units and returns the number that stays.
    pub(super) fn merge(&mut self, a: ApplianceId, b: ApplianceId) -> ApplianceId {
        let (older, newer) = if a < b { (a, b) } else { (b, a) };
        let (Some(first), Some(second)) = (self.take_out(older), self.take_out(newer)) else {
            return older;
        };
        let merged = merged(&first, &second);
        self.history.merged(&first, &second);
        // The older number lives on: it was only out for the moment of merging.
        self.removed.retain(|id| *id != older);
        self.place(merged);
        older
    }
}

fn merged(older: &Appliance, newer: &Appliance) -> Appliance {
    let annotations = Annotations::of(older).with(&Annotations::of(newer));
    Appliance {
        id: older.id,
        revision: 0,
        heard: match (&older.heard, &newer.heard) {
            (Some(a), Some(b)) => Some(merged_heard(a, b)),
            (Some(one), None) | (None, Some(one)) => Some(one.clone()),
            (None, None) => None,
        },
        probed: newest(older.probed.as_ref(), newer.probed.as_ref(), |probed| {
            probed.when
        }),
        identified: newer
            .identified
            .clone()
            .or_else(|| older.identified.clone()),
        imported: annotations.imported,
        typed: annotations.typed,
        evidence: merged_evidence(older, newer),
    }
}

/// Of two, the one that is there, or the newer one.
fn newest<T>(
    a: Option<&Arc<T>>,
    b: Option<&Arc<T>>,
    when: impl Fn(&T) -> Timestamp,
) -> Option<Arc<T>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(Arc::clone(if when(a) > when(b) { a } else { b })),
        (one, other) => one.or(other).map(Arc::clone),
    }
}

fn merged_heard(a: &Heard, b: &Heard) -> Heard {
    let (newest, oldest) = if a.last >= b.last { (a, b) } else { (b, a) };
    let mut heard = newest.clone();
    fill(&mut heard.name, &oldest.name);
    fill(&mut heard.mac, &oldest.mac);
    fill(&mut heard.ip, &oldest.ip);
    fill(&mut heard.mask, &oldest.mask);
    fill(&mut heard.gateway, &oldest.gateway);
    heard.model_number = heard.model_number.or(oldest.model_number);
    heard.modes = heard.modes.or(oldest.modes);
    heard.first = a.first.min(b.first);
    heard.flapped = a.flapped.max(b.flapped);
    heard.provisional = a.provisional && b.provisional;
    for presence in &oldest.presence {
        match heard
            .presence
            .iter_mut()
            .find(|known| known.interface == presence.interface)
        {
            Some(known) => known.answered_search |= presence.answered_search,
            None => heard.presence.push(presence.clone()),
        }
    }
    let mut earlier: Vec<(std::net::Ipv4Addr, Timestamp)> = heard.earlier_ips.clone();
    earlier.extend(oldest.earlier_ips.iter().copied());
    earlier.sort_by_key(|(_, left)| std::cmp::Reverse(*left));
    earlier.dedup_by_key(|(ip, _)| *ip);
    earlier.truncate(OTHER_IPS_KEPT);
    heard.earlier_ips = earlier;
    heard
}

/// Takes the older statement where the newer unit has none.
fn fill<T: Clone>(fact: &mut Fact<T>, older: &Fact<T>) {
    if fact.value().is_none() && !matches!(older, Fact::NotAsked) {
        *fact = older.clone();
    }
}

fn merged_evidence(older: &Appliance, newer: &Appliance) -> VecDeque<Evidence> {
    let mut all: Vec<Evidence> = older
        .evidence
        .iter()
        .chain(&newer.evidence)
        .cloned()
        .collect();
    all.sort_by_key(|evidence| evidence.seq);
    let skip = all.len().saturating_sub(SIGHTINGS_KEPT);
    let mut kept: VecDeque<Evidence> = all.into_iter().skip(skip).collect();
    let with_raw = kept
        .iter()
        .filter(|evidence| evidence.raw.is_some())
        .count();
    let too_many = with_raw.saturating_sub(super::RAW_KEPT);
    for evidence in kept
        .iter_mut()
        .filter(|evidence| evidence.raw.is_some())
        .take(too_many)
    {
        evidence.raw = None;
    }
    kept
}
