//! Two numbers that turn out to be one unit: the older number stays.

use std::collections::VecDeque;
use std::sync::Arc;

use super::history::Annotations;
use super::{Registry, SIGHTINGS_KEPT};
use crate::model::appliance::{Appliance, Heard, OTHER_IPS_KEPT};
use crate::model::fact::Fact;
use crate::model::identification::Identification;
use crate::model::identity::ApplianceId;
use crate::model::probing::Probed;
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
    let (probed, identified) = merged_probed(older, newer);
    Appliance {
        id: older.id,
        revision: 0,
        heard: match (&older.heard, &newer.heard) {
            (Some(a), Some(b)) => Some(merged_heard(a, b)),
            (Some(one), None) | (None, Some(one)) => Some(one.clone()),
            (None, None) => None,
        },
        probed,
        identified,
        imported: annotations.imported,
        typed: annotations.typed,
        evidence: merged_evidence(older, newer),
    }
}

/// What probes brought, and the verdict on it: of two, the newer answers over the older ones.
fn merged_probed(
    a: &Appliance,
    b: &Appliance,
) -> (Option<Arc<Probed>>, Option<Arc<Identification>>) {
    let (older, newer) = match (&a.probed, &b.probed) {
        (Some(one), Some(other)) if one.when > other.when => (b, a),
        (Some(_), None) => (b, a),
        _ => (a, b),
    };
    let probed = match (&older.probed, &newer.probed) {
        (Some(before), Some(now)) => Some(Arc::new(Probed::clone(now).over(Some(before)))),
        (_, now) => now.clone(),
    };
    let identified = if probed.is_some() {
        newer.identified.clone()
    } else {
        // What it is known by without having been asked.
        newer
            .identified
            .clone()
            .or_else(|| older.identified.clone())
    };
    (probed, identified)
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
    heard.taught = heard.taught.or_else(|| oldest.taught.clone());
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::model::appliance::Typed;
    use crate::model::probing::{Answer, ClueKind, Outcome, Probe};
    use crate::model::registry::edits::unheard;

    fn unit(id: u64, probed: Option<Probed>, verdict: &str) -> Appliance {
        Appliance {
            probed: probed.map(Arc::new),
            identified: Some(Arc::new(Identification {
                firmware: Some(verdict.to_owned()),
                ..Identification::default()
            })),
            ..unheard(ApplianceId(id), Typed::default(), None)
        }
    }

    fn probed(millis: i64, probe: Probe, clue: Option<(ClueKind, &str)>) -> Probed {
        let when = Timestamp::from_millis(millis);
        let mut answer = Answer::new(probe, Outcome::Silent, when);
        if let Some((kind, text)) = clue {
            answer.outcome = Outcome::Answered;
            answer.add(kind, text);
        }
        Probed {
            ip: Ipv4Addr::LOCALHOST,
            when,
            answers: vec![answer],
            targets: Vec::new(),
        }
    }

    #[test]
    fn answers_and_verdict_are_of_one_side() {
        let snmp = || probed(5, Probe::Snmp, Some((ClueKind::Model, "ACS8048")));
        for (a, b) in [
            (unit(1, Some(snmp()), "asked"), unit(2, None, "not asked")),
            (unit(1, None, "not asked"), unit(2, Some(snmp()), "asked")),
        ] {
            let merged = merged(&a, &b);
            assert_eq!(merged.probed.as_deref(), Some(&snmp()));
            let verdict = merged.identified.expect("a verdict");
            assert_eq!(verdict.firmware.as_deref(), Some("asked"));
        }
    }

    #[test]
    fn newer_answers_come_over_older_ones() {
        let snmp = probed(5, Probe::Snmp, Some((ClueKind::Model, "ACS8048")));
        let ssh = probed(9, Probe::Ssh, Some((ClueKind::SshBanner, "SSH-2.0-x")));
        let silent = probed(12, Probe::Snmp, None);
        let older = unit(1, Some(ssh.clone().over(Some(&snmp))), "older");
        let newer = unit(2, Some(silent), "newer");
        let mut back = older.clone();
        back.id = ApplianceId(3);
        for (a, b) in [(&older, &newer), (&newer, &back)] {
            let merged = merged(a, b);
            let probed = merged.probed.expect("answers");
            assert_eq!(probed.when, Timestamp::from_millis(12));
            assert_eq!(probed.clue(ClueKind::Model), Some("ACS8048"));
            assert_eq!(probed.clue(ClueKind::SshBanner), Some("SSH-2.0-x"));
            let verdict = merged.identified.expect("a verdict");
            assert_eq!(verdict.firmware.as_deref(), Some("newer"));
        }
    }
}
