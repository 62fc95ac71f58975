//! A unit as a test makes it up.

use std::net::Ipv4Addr;
use std::sync::OnceLock;

use rollcall::catalog::{Catalog, Known};
use rollcall::model::identification::Identification;
use rollcall::model::identity::Mac;
use rollcall::model::probing::{Answer, ClueKind, Outcome, Probe, Probed, Target};
use rollcall::model::time::Timestamp;

const NOW: &str = "2026-11-22T12:00:00Z";

/// A unit as a test makes it up.
#[derive(Default)]
pub(crate) struct Unit {
    pub(crate) mac: Option<Mac>,
    pub(crate) speaks_aidp: bool,
    pub(crate) host_name: Option<String>,
    pub(crate) model_number: Option<u16>,
    pub(crate) clues: Vec<(ClueKind, String)>,
    pub(crate) num_targets: u32,
}

impl Unit {
    pub(crate) fn of(clues: &[(ClueKind, &str)]) -> Self {
        let clues = clues.iter().map(|(kind, text)| (*kind, (*text).to_owned()));
        Self {
            clues: clues.collect(),
            ..Self::default()
        }
    }

    pub(crate) fn probed(&self) -> Probed {
        let now = now();
        let answers = Probe::ALL.into_iter().filter_map(|probe| {
            let mut answer = Answer::new(probe, Outcome::Answered, now);
            for (kind, text) in &self.clues {
                if kind.probe() == probe {
                    answer.add(*kind, text);
                }
            }
            (!answer.clues.is_empty()).then_some(answer)
        });
        let targets = (1..=self.num_targets).map(|port| Target {
            port,
            ..Target::default()
        });
        Probed {
            ip: Ipv4Addr::new(192, 0, 2, 7),
            when: now,
            answers: answers.collect(),
            targets: targets.collect(),
        }
    }

    pub(crate) fn identify(&self, catalog: &Catalog) -> Identification {
        let probed = self.probed();
        catalog.identify(&Known {
            mac: self.mac,
            speaks_aidp: self.speaks_aidp,
            host_name: self.host_name.as_deref(),
            model_number: self.model_number,
            probed: Some(&probed),
            now: now(),
        })
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::parse(NOW).expect("an instant")
}

/// The tables of the program, read once.
pub(crate) fn builtin() -> &'static Catalog {
    static BUILTIN: OnceLock<Catalog> = OnceLock::new();
    BUILTIN.get_or_init(Catalog::builtin)
}
