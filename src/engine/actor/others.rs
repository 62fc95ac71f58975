//! What answered in swept ranges and shows no sign of being a unit. Kept beside the units, never among them, until another
//! site is opened.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::model::identification::Identification;
use crate::model::probing::{ClueKind, Probed};
use crate::model::registry::ProbeResult;
use crate::model::snapshot::{OTHERS_KEPT, OTHERS_KEPT_BYTES, OtherAnswer};

/// How many bytes as they came are kept of an answer: the head of a greeting or a page.
const RAW_KEPT_BYTES: usize = 256;

/// The list, and the form of it that snapshots share.
#[derive(Debug, Default)]
pub(super) struct Others {
    by_ip: BTreeMap<Ipv4Addr, Arc<OtherAnswer>>,
    num_bytes: usize,
    shared: Option<Arc<Vec<Arc<OtherAnswer>>>>,
    num_left_out: u64,
}

impl Others {
    /// Keeps one, while there is room; a newer answer of the same address takes the place of the older one.
    pub(super) fn keep(&mut self, result: &ProbeResult) {
        let ip = result.probed.ip;
        let other = OtherAnswer {
            what: in_words(&result.probed),
            probed: Arc::new(shortened(&result.probed)),
            identified: Arc::clone(&result.identified),
        };
        let before = self.by_ip.get(&ip);
        let others_bytes = self.num_bytes - before.map_or(0, |before| cost(before));
        let is_full = before.is_none() && self.by_ip.len() >= OTHERS_KEPT;
        if is_full || others_bytes + cost(&other) > OTHERS_KEPT_BYTES {
            self.num_left_out += 1;
            return;
        }
        self.num_bytes = others_bytes + cost(&other);
        self.by_ip.insert(ip, Arc::new(other));
        self.shared = None;
    }

    /// It is a unit now.
    pub(super) fn remove(&mut self, ip: Ipv4Addr) {
        if let Some(gone) = self.by_ip.remove(&ip) {
            self.num_bytes -= cost(&gone);
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

/// What is kept of what something said: no targets, and of bytes the head.
fn shortened(probed: &Probed) -> Probed {
    let mut kept = probed.clone();
    kept.targets = Vec::new();
    for answer in &mut kept.answers {
        let raw = &mut answer.raw;
        if raw.bytes.len() > RAW_KEPT_BYTES {
            raw.bytes = Arc::from(&raw.bytes[..RAW_KEPT_BYTES]);
        }
        answer.clues.shrink_to_fit();
    }
    kept
}

/// What one costs: what it said, and what is made of it.
fn cost(other: &OtherAnswer) -> usize {
    let verdict = &other.identified;
    let reasons = verdict
        .reasons
        .iter()
        .map(|reason| size_of_val(reason) + reason.text.len());
    let words = verdict.contradictions.iter().chain(&verdict.remarks);
    let words = words.map(|words| size_of::<String>() + words.len());
    size_of::<OtherAnswer>()
        + other.what.len()
        + other.probed.num_bytes()
        + size_of::<Identification>()
        + reasons.sum::<usize>()
        + words.sum::<usize>()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::probing::{Answer, CLUES_KEPT, Outcome, Probe, Target};
    use crate::model::sighting::RawDatagram;
    use crate::model::time::Timestamp;

    /// Something that says as much as it can.
    fn result(number: u32) -> ProbeResult {
        let when = Timestamp::from_millis(0);
        let mut answer = Answer::new(Probe::Http, Outcome::Answered, when);
        for _ in 0..CLUES_KEPT {
            answer.add(ClueKind::HttpTitle, &"x".repeat(256));
        }
        answer.raw = RawDatagram::keep(&[b'x'; 2_000]);
        let fresh = Arc::new(Probed {
            ip: Ipv4Addr::from(0x0a00_0000 + number),
            when,
            answers: vec![answer],
            targets: vec![Target::default(); 500],
        });
        ProbeResult {
            probed: Arc::clone(&fresh),
            fresh,
            identified: Arc::default(),
            mac: None,
            interface: Arc::from("eth0"),
        }
    }

    #[test]
    fn whatever_answers_the_list_has_a_bound_in_bytes() {
        let mut others = Others::default();
        for number in 0..2_000 {
            others.keep(&result(number));
        }
        let all = others.shared();
        let bytes = || all.iter().map(|other| cost(other)).sum::<usize>();
        assert_eq!(others.num_bytes, bytes());
        assert!(others.num_bytes <= OTHERS_KEPT_BYTES);
        assert!(all.len() > 300, "{} fit", all.len());
        assert_eq!(others.num_left_out(), 2_000 - all.len() as u64);
        let kept = &all[0].probed;
        assert!(kept.targets.is_empty());
        let raw = &kept.answers[0].raw;
        assert_eq!((raw.bytes.len(), raw.full_len), (RAW_KEPT_BYTES, 2_000));

        // A newer answer of one that is there takes its place, and room that is given back is used.
        others.keep(&result(0));
        assert_eq!(others.shared().len(), all.len());
        others.remove(Ipv4Addr::from(0x0a00_0000));
        others.keep(&result(5_000));
        assert_eq!(others.shared().len(), all.len());
        for other in others.shared().iter() {
            others.remove(other.probed.ip);
        }
        assert_eq!(others.num_bytes, 0);
    }
}
