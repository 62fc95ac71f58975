//! Sweeps, questions by TCP, and asking swept units again.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use super::{Actor, REASK_EVERY_MILLIS, REASKS_A_TICK, REASKS_KEPT, TcpAsking};
use crate::engine::clock;
use crate::engine::command::{Notice, Saying, SweepRequest, sentence};
use crate::engine::ranges::{Loopback, Ranges, Size};
use crate::engine::sweep::{self, AskResult, Asker, PROBE_MAX_IPS, SweepPlan};
use crate::engine::tcp::{TcpLimits, TcpQuestions, ask_many};
use crate::model::sighting::Source;
use crate::model::snapshot::{SweepEnd, SweepState};
use crate::model::time::Timestamp;

impl Actor {
    /// Whether ranges may be of this computer: the demo's units, and those of tests, are nowhere else.
    pub(super) fn loopback(&self) -> Loopback {
        if self.session.plane.is_loopback_only() {
            Loopback::Allowed
        } else {
            Loopback::Refused
        }
    }

    pub(super) fn sweep(&mut self, request: &SweepRequest, now: Timestamp) {
        if self
            .session
            .sweep
            .as_ref()
            .is_some_and(|sweep| !sweep.is_over())
            || self.tcp.is_sweeping()
            || self.identifying.is_sweeping()
        {
            self.say.said(
                Saying::trouble("A sweep is running already")
                    .hint("Stop it first, or wait for its end"),
            );
            return;
        }
        let ranges = match Ranges::parse_with(&request.ranges, self.loopback()) {
            Ok(ranges) => ranges,
            Err(error) => {
                self.say.said(
                    Saying::trouble("These ranges cannot be swept").because(sentence(&error)),
                );
                return;
            }
        };
        match ranges.check_size() {
            Size::TooMany => {
                let title = format!("{} addresses are too many to sweep", ranges.num_ips());
                self.say.said(
                    Saying::trouble(title)
                        .hint("Sweep at most a /12 at once (1,048,576 addresses)"),
                );
                return;
            }
            Size::Ask if !request.confirmed => {
                let num_ips = ranges.num_ips();
                self.say.notice(Notice::SweepNeedsYes {
                    request: request.clone(),
                    num_ips,
                });
                return;
            }
            Size::Ask | Size::Fine => {}
        }
        let Some(sequence) = self.session.asker.sequences() else {
            self.say.said(
                Saying::trouble("No network is listened on, so nothing can be swept")
                    .hint("Switch an interface on, or give it a link"),
            );
            return;
        };
        let mut plan = SweepPlan::new(ranges, request.ranges.clone(), sequence, now);
        plan.ports = self.session.plane.ask_ports().to_vec();
        plan.ports.dedup();
        if let Some(per_sec) = request.per_sec {
            plan.per_sec = per_sec.clamp(1, sweep::MAX_PER_SEC);
        }
        self.session.sweep = Some(sweep::start(plan, self.session.asker.clone()));
        self.sweep_is_settled = false;
        self.sweep_was_stopped = false;
        if request.probe
            && !self.session.site.demo
            && let Some(sweep) = &self.session.sweep
        {
            let is_whole = sweep.num_ips() <= PROBE_MAX_IPS;
            self.identifying.begin_sweep(is_whole);
        }
    }

    /// After a sweep, TCP is tried where UDP brought nothing.
    pub(super) fn settle_sweep(&mut self) {
        if self.sweep_is_settled {
            return;
        }
        let Some(sweep) = &self.session.sweep else {
            return;
        };
        if sweep.is_over() {
            self.sweep_is_settled = true;
            let mut ips = sweep.for_tcp(false);
            self.identifying
                .without_nobody(&mut ips, &self.session.networks());
            if !ips.is_empty() && self.config.tcp_port.is_some() {
                self.ask_tcp(ips, true);
            }
        }
    }

    /// Stops asking address by address, by UDP and by TCP.
    pub(super) fn stop_sweep(&mut self) {
        if let Some(sweep) = &self.session.sweep {
            sweep.cancel();
        }
        self.sweep_was_stopped |= self.tcp.is_sweeping() || self.identifying.is_sweeping();
        self.identifying.stop_sweep(clock::now());
        self.tcp.asking.retain(|asking| !asking.is_sweep);
    }

    /// The sweep, for the snapshot. It is over when TCP was tried as well.
    pub(super) fn sweep_state(&self) -> Option<SweepState> {
        let mut state = self.session.sweep.as_ref()?.state();
        if self.tcp.is_sweeping()
            || self.identifying.is_sweeping()
            || (state.ended.is_some() && !self.sweep_is_settled)
        {
            state.ended = None;
        } else if self.sweep_was_stopped {
            state.ended = Some(SweepEnd::Canceled);
        }
        Some(state)
    }

    pub(super) fn ask_tcp(&mut self, mut ips: Vec<Ipv4Addr>, is_sweep: bool) {
        if self.session.site.demo {
            // The addresses that its units claim may be those of real machines.
            ips.retain(Ipv4Addr::is_loopback);
            if ips.is_empty() {
                if !is_sweep {
                    let title = "The demo's units answer discovery by UDP only";
                    self.say.said(Saying::note(title));
                }
                return;
            }
        }
        let (Some(port), Some(sequence)) = (self.config.tcp_port, self.session.asker.sequences())
        else {
            return;
        };
        let questions = TcpQuestions {
            ips,
            port,
            sequence,
            limits: TcpLimits::default(),
            slots: self.tcp.slots.clone(),
            now: Arc::new(clock::now),
            heard: self.tcp.out.clone(),
        };
        let task = tokio::spawn(async move {
            let tally = ask_many(questions).await;
            tracing::info!(
                "TCP: {} of {} answered",
                tally.num_answered,
                tally.num_asked
            );
        });
        self.tcp.asking.push(TcpAsking {
            sequence,
            is_sweep,
            task,
        });
    }

    /// Forgets questions by TCP that are over; the others may take minutes, and their answers are ours until then.
    pub(super) fn tend_tcp(&mut self, now: Timestamp) {
        self.tcp.asking.retain(|asking| !asking.task.is_finished());
        for asking in &self.tcp.asking {
            self.session.asker.note(asking.sequence, now);
        }
    }

    /// Units that were swept are asked again by unicast, while live search is on.
    pub(super) fn reask(&mut self, now: Timestamp) {
        if !self.session.plane.search_state().live {
            self.reasks.clear();
            return;
        }
        if now >= self.next_reask {
            self.next_reask = now.plus_millis(REASK_EVERY_MILLIS);
            let units = self.session.registry.units();
            self.reasks = units
                .iter()
                .filter(|(_, unit)| {
                    unit.heard
                        .as_ref()
                        .is_some_and(|heard| heard.last_source == Source::SweepReply)
                })
                .filter_map(|(_, unit)| unit.heard_ip())
                .take(REASKS_KEPT)
                .collect();
        }
        if self.reasks.is_empty() {
            return;
        }
        let Some(sequence) = self.session.asker.sequences() else {
            return;
        };
        for _ in 0..REASKS_A_TICK {
            let Some(ip) = self.reasks.pop_front() else {
                return;
            };
            for port in self.session.plane.ask_ports() {
                let to = SocketAddrV4::new(ip, port);
                if matches!(
                    self.session.asker.try_ask(to, sequence),
                    AskResult::WouldBlock
                ) {
                    self.reasks.push_front(ip);
                    return;
                }
            }
        }
    }
}
