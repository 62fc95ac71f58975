//! What is due with time: questions, looks at the interfaces, saving, the doctor, the next snapshot.

use std::collections::HashMap;
use std::sync::Arc;

use super::{
    Actor, Beside, EXAMINE_EVERY_MILLIS, JUMP_MILLIS, LOOK_EVERY_MILLIS, Looked, SAVE_EVERY_MILLIS,
    SCAN_EVERY_MILLIS, TCP_CAPACITY, Thorough,
};
use crate::engine::command::Saying;
use crate::engine::doctor::{DoctorInput, SystemChecks, examine, installation, look};
use crate::engine::firewall::{self, RuleChange};
use crate::engine::publish::{IdentifyParts, Parts};
use crate::engine::replay::Replay;
use crate::engine::{clock, ports};
use crate::model::network::PortHolder;
use crate::model::snapshot::{Check, DoctorReport, Snapshot, Verdict};
use crate::model::status::InterfaceContext;
use crate::model::time::Timestamp;
use crate::wire::{PORT_INSTALL, PORT_MANAGEMENT};

impl Actor {
    pub(super) fn pulse(&mut self) {
        let now = clock::now();
        let late = (now.as_millis() - self.last_pulse.as_millis()).abs();
        self.last_pulse = now;
        if late > JUMP_MILLIS {
            tracing::info!("the clock jumped by {late} ms");
            self.session.plane.resumed(now);
            self.session.clock_was_set(now);
            self.next_scan = now;
            self.next_save = now;
            self.next_look = now;
            self.next_examine = now;
            self.next_reask = now;
        }
        if now >= self.next_scan {
            self.next_scan = now.plus_millis(SCAN_EVERY_MILLIS);
            self.session.plane.scan(now);
            self.session.asker.set(self.session.plane.asking_sockets());
            if self.replay.is_none() {
                self.session.watch.set_interfaces(&self.session.plane);
            }
            if self.replay.is_none() {
                self.tcp.listen(self.config.tcp_port, &self.session);
            }
            // A port that was refused or came free has another holder now.
            let interfaces = self.session.plane.interfaces();
            let sockets = interfaces.iter().flat_map(|here| &here.sockets);
            let num_refused = sockets.filter(|socket| socket.bound.is_err()).count();
            if std::mem::replace(&mut self.num_refused, num_refused) != num_refused {
                self.next_look = now;
            }
        }
        self.session.plane.tick(now);
        self.session.registry.set_interfaces(self.contexts());
        if self.replay.is_some() {
            self.replay_turn();
        } else {
            self.session.registry.age(now);
            self.watch_turn(now);
        }
        if now >= self.next_save {
            self.next_save = now.plus_millis(SAVE_EVERY_MILLIS);
            self.session.save_turn(now);
        }
        if now >= self.next_look {
            self.look();
        }
        if now >= self.next_examine {
            self.next_examine = now.plus_millis(EXAMINE_EVERY_MILLIS);
            self.examine(now);
        }
        // First, so that what a question that is over brought is taken before the sweep is said to be over.
        self.tend_tcp(now);
        for _ in 0..TCP_CAPACITY {
            match self.tcp.heard.try_recv() {
                Ok(heard) => self.take_tcp(&heard),
                Err(_) => break,
            }
        }
        self.settle_sweep();
        self.reask(now);
        self.identify_turn(now);
    }

    /// The demo's units claim addresses of a made-up network, and are judged by that one; those of a replay by the
    /// networks of whoever captured.
    pub(super) fn contexts(&self) -> HashMap<Arc<str>, InterfaceContext> {
        if let Some(replay) = &self.replay {
            let contexts = replay.interfaces().map(|(name, networks)| {
                let context = InterfaceContext {
                    networks,
                    ..InterfaceContext::default()
                };
                (Arc::clone(name), context)
            });
            return contexts.collect();
        }
        let mut contexts = self.session.plane.contexts();
        if self.session.site.demo {
            #[expect(
                clippy::iter_over_hash_type,
                reason = "each value is changed the same way"
            )]
            for context in contexts.values_mut() {
                context.networks = self.session.networks();
            }
        }
        contexts
    }

    /// Looks at who holds the ports and what the system filters, beside.
    pub(super) fn look(&mut self) {
        self.next_look = self.last_pulse.plus_millis(LOOK_EVERY_MILLIS);
        if std::mem::replace(&mut self.is_looking, true) {
            return;
        }
        let interfaces = self.session.plane.interfaces();
        let names: Vec<String> = interfaces
            .iter()
            .map(|interface| interface.name.to_string())
            .collect();
        let to_beside = self.to_beside.clone();
        let is_thorough = std::mem::take(&mut self.is_thorough_next);
        // Trying to write in every folder is for whoever asks, not for every start.
        let places = self.config.places.clone().filter(|_| self.is_asked);
        let firewall = self.config.firewall.clone();
        tokio::task::spawn_blocking(move || {
            let thorough = is_thorough.then(|| Thorough {
                installation: places.map(|places| installation::look(&places)),
                rule: firewall.map(|system| firewall::state(&*system)),
            });
            let looked = Looked {
                system: look(&names),
                holders: ports::all_holders(&[PORT_INSTALL, PORT_MANAGEMENT]),
                thorough,
            };
            // The actor has ended when it does not take it.
            let _ = to_beside.blocking_send(Beside::Looked(Box::new(looked)));
        });
    }

    /// The same with everything that is looked at only when a person asks, whose word is waited for.
    pub(super) fn look_thoroughly(&mut self) {
        self.is_thorough_next = true;
        self.is_asked = true;
        // One that has begun may have looked before the person asked: the next one begins when it is over.
        self.look();
    }

    /// Changes the firewall's rules beside: the system may ask a person for as long as it takes.
    pub(super) fn change_rule(&mut self, change: RuleChange) {
        let Some(system) = self.config.firewall.clone() else {
            self.say
                .said(Saying::note("Only Windows needs a rule in its firewall"));
            return;
        };
        if std::mem::replace(&mut self.is_changing_rule, true) {
            self.say.said(Saying::note(
                "Windows is asking already: see its window, maybe behind this one",
            ));
            return;
        }
        let to_beside = self.to_beside.clone();
        tokio::task::spawn_blocking(move || {
            let (saying, state) = firewall::change(&*system, change);
            // The actor has ended when it does not take it.
            let _ = to_beside.blocking_send(Beside::Rule(saying, state));
        });
    }

    pub(super) fn examine(&mut self, now: Timestamp) {
        let interfaces = self.session.plane.interfaces();
        let system = SystemChecks {
            own_tcp_error: self.tcp.error.clone(),
            rule: self.rule,
            ..self.system.clone()
        };
        let totals = self.publisher.last().totals;
        let report = if self.replay.is_some() {
            replay_report(&self.holders, now)
        } else {
            examine(&DoctorInput {
                interfaces: &interfaces,
                holders: &self.holders,
                totals,
                now,
                demo: self.session.site.demo,
                system,
                installation: self.installation.as_ref(),
            })
        };
        let unchanged = DoctorReport {
            when: self.doctor.when,
            ..report.clone()
        };
        if *self.doctor != unchanged {
            self.doctor = Arc::new(report);
        }
    }

    pub(super) fn take_beside(&mut self, beside: Beside) {
        match beside {
            Beside::Job(job, done) => self.take_job(&job, done),
            Beside::Looked(looked) => self.take_look(*looked),
            Beside::Catalog(catalog, state) => self.take_catalog(catalog, *state),
            Beside::Neighbors(table) => self.take_neighbors(&table),
            Beside::V3(key, done) => self.take_v3(&key, done),
            Beside::Decoders(decoders, state) => self.take_decoders(decoders, state),
            Beside::DecoderSaved(saved) => self.take_saved_decoder(saved),
            Beside::Replayed(reading, done) => self.take_read(&reading, done),
            Beside::Compared(number, revision, comparison) => {
                self.take_comparison(number, revision, comparison);
            }
            Beside::Say(saying) => self.say.said(saying),
            Beside::Rule(saying, state) => {
                self.is_changing_rule = false;
                self.rule = Some(state);
                self.say.said(saying);
                self.examine(clock::now());
            }
        }
    }

    fn take_look(&mut self, looked: Looked) {
        let Looked {
            system,
            holders,
            thorough,
        } = looked;
        self.is_looking = false;
        self.session
            .plane
            .set_port_holders(&ports::others(&holders));
        self.system = system;
        self.holders = holders;
        let is_thorough = thorough.is_some();
        if let Some(thorough) = thorough {
            self.installation = thorough.installation.or(self.installation.take());
            self.rule = thorough.rule;
        }
        let now = clock::now();
        self.examine(now);
        if self.is_thorough_next {
            self.look();
        } else if is_thorough && std::mem::take(&mut self.is_asked) {
            // Nothing may have changed, but whoever asked is to see that it was looked at.
            self.doctor = Arc::new(DoctorReport {
                when: now,
                ..DoctorReport::clone(&self.doctor)
            });
        }
    }

    pub(super) fn snapshot(&mut self) -> Option<Arc<Snapshot>> {
        let identifying = &mut self.identifying;
        let identify = IdentifyParts {
            state: identifying.queue.state().cloned(),
            others: identifying.others.shared(),
            num_others_left_out: identifying.others.num_left_out(),
            catalog: Arc::clone(&identifying.catalog_state),
            snmp_v3: identifying.v3.state.clone(),
        };
        let now = self.site_now();
        let watching = self.watching(now);
        let session = &self.session;
        let parts = Parts {
            identify,
            interfaces: session.plane.interfaces(),
            search: session.plane.search_state(),
            sweep: self.sweep_state(),
            job: self.job.as_ref().map(|job| job.state()),
            site: session.site.clone(),
            doctor: Arc::clone(&self.doctor),
            listening_since: session.listening_since,
            last_heard: session.last_heard,
            unsaid: self.say.unsaid(),
            replayed: self.replay.as_ref().map(Replay::tallies),
            watching,
        };
        self.publisher.next(&session.registry, parts, now)
    }
}

/// A replay listens to nothing: what keeps units from being heard is not looked at.
fn replay_report(holders: &[PortHolder], now: Timestamp) -> DoctorReport {
    DoctorReport {
        when: now,
        checks: vec![Check {
            verdict: Verdict::Note,
            interface: None,
            what: "A replay is open, and nothing is listened to".to_owned(),
            hint: Some("Close the replay to listen again".to_owned()),
            remedies: Vec::new(),
        }],
        port_holders: holders.to_vec(),
        ..DoctorReport::default()
    }
}
