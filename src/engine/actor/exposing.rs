//! The exposure check: begun, told of answers, and its results handed to the findings.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::Actor;
use crate::engine::clock;
use crate::engine::command::{ExposeRequest, Notice, Saying, sentence};
use crate::engine::expose::{self, ExposeError, ExposePlan, Exposure};
use crate::model::exposure::{ExposeState, Exposed};
use crate::model::sighting::Sighting;
use crate::model::time::Timestamp;

/// The check that runs, or the last one, with what the findings know of it.
#[derive(Debug)]
pub(super) struct Exposing {
    exposure: Exposure,
    /// The picture that was published last.
    state: Arc<ExposeState>,
    /// Its questions: open for as long as it runs.
    sequences: [u16; 4],
    /// What the findings were told of each address.
    told: HashMap<Ipv4Addr, Exposed>,
}

impl Actor {
    pub(super) fn expose(&mut self, request: &ExposeRequest, now: Timestamp) {
        let is_running = |exposing: &Exposing| !exposing.exposure.is_over();
        if self.exposing.as_ref().is_some_and(is_running) {
            self.say.said(
                Saying::trouble("An exposure check is running already")
                    .hint("Stop it first, or wait for its end"),
            );
            return;
        }
        let ranges = match expose::check_ranges(&request.ranges, self.loopback(), request.confirmed)
        {
            Ok(ranges) => ranges,
            Err(ExposeError::NeedsYes(num_ips)) => {
                self.say.notice(Notice::ExposeNeedsYes {
                    request: request.clone(),
                    num_ips,
                });
                return;
            }
            Err(error) => {
                self.say.said(
                    Saying::trouble("These ranges cannot be checked").because(sentence(&error)),
                );
                return;
            }
        };
        let sequence = || self.session.asker.sequences();
        let (Some(a), Some(b), Some(c), Some(d)) = (sequence(), sequence(), sequence(), sequence())
        else {
            self.say.said(
                Saying::trouble("No network is being listened on, so nothing can be checked")
                    .hint("Plug in a cable, or switch a network on"),
            );
            return;
        };
        let plan = ExposePlan {
            ports: self.session.plane.ask_ports(),
            ..ExposePlan::new(
                ranges,
                request.ranges.clone(),
                [[a, b], [c, d]],
                self.tcp.slots.clone(),
                Arc::new(clock::now),
            )
        };
        let exposure = expose::start(plan, self.session.asker.clone());
        self.exposing = Some(Exposing {
            state: Arc::new(exposure.state()),
            exposure,
            sequences: [a, b, c, d],
            told: HashMap::new(),
        });
        self.expose_turn(now);
    }

    pub(super) fn stop_expose(&mut self, now: Timestamp) {
        if let Some(exposing) = &self.exposing {
            exposing.exposure.cancel();
        }
        self.expose_turn(now);
    }

    /// Tells the check what was heard: answers to its questions are its own to know.
    pub(super) fn expose_hears(&self, sighting: &Sighting) {
        if let Some(exposing) = &self.exposing {
            exposing.exposure.hear(sighting);
        }
    }

    /// Hands what is new to the findings.
    pub(super) fn expose_turn(&mut self, now: Timestamp) {
        let Some(exposing) = &mut self.exposing else {
            return;
        };
        if !exposing.exposure.is_over() {
            for sequence in exposing.sequences {
                self.session.asker.note(sequence, clock::now());
            }
        }
        let state = exposing.exposure.state();
        if *exposing.state == state {
            return;
        }
        if !Arc::ptr_eq(&exposing.state.found, &state.found) {
            for exposed in state.found.iter() {
                if exposing.told.get(&exposed.ip) != Some(exposed) {
                    exposing.told.insert(exposed.ip, exposed.clone());
                    self.session.watch.note_exposed(exposed, now);
                }
            }
        }
        exposing.state = Arc::new(state);
    }

    pub(super) fn expose_state(&self) -> Option<Arc<ExposeState>> {
        self.exposing
            .as_ref()
            .map(|exposing| Arc::clone(&exposing.state))
    }
}
