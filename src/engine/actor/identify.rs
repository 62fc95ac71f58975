//! Identification, as the actor does it: who is asked and when, and what becomes of the answers.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Actor, Beside, demo};
use crate::catalog::Catalog;
use crate::engine::asker::route_to;
use crate::engine::catalog_files::load_catalog;
use crate::engine::clock;
use crate::engine::command::{IdentifyRequest, Saying};
use crate::engine::identify::Ask;
use crate::engine::identify::queue::{Wanted, Who};
use crate::engine::identify::unit::{Asked, Asking, NEIGHBORS_EVERY, NeighborTable, Neighbors};
use crate::engine::sweep::Asker as _;
use crate::model::appliance::Appliance;
use crate::model::identity::{ApplianceId, Mac, is_ip_key};
use crate::model::probing::{ClueKind, Probed};
use crate::model::registry::{Change, ProbeResult};
use crate::model::snapshot::CatalogState;
use crate::model::time::Timestamp;
use crate::settings::IdentifySettings;

use super::identifying::{AUTOMATIC_AFTER_MILLIS, is_local};

/// Units on trial wait this long for being heard again; then they are not asked by themselves.
const TRIAL_MILLIS: u64 = 30_000;

impl Actor {
    /// Puts units into the queue because a person asked for it.
    pub(super) fn identify(&mut self, request: &IdentifyRequest, now: Timestamp) {
        let units = self.session.registry.units();
        let chosen: HashSet<ApplianceId> = match request {
            IdentifyRequest::Units(ids) => ids.iter().copied().collect(),
            IdentifyRequest::Unidentified | IdentifyRequest::All => HashSet::new(),
        };
        let is_meant = |unit: &Appliance| match request {
            IdentifyRequest::Units(_) => chosen.contains(&unit.id),
            IdentifyRequest::Unidentified => {
                let known = unit.identified.as_ref();
                known.is_none_or(|identified| identified.product.is_none())
            }
            IdentifyRequest::All => true,
        };
        let is_thorough = matches!(request, IdentifyRequest::Units(_));
        let mut num_without_ip = 0;
        let mut num_sharing = 0;
        let mut num_queued = 0;
        let mut num_merged = 0;
        for (_, unit) in units.iter().filter(|(_, unit)| is_meant(unit)) {
            let own = &self.session.registry;
            let ip = unit.ip_value();
            let Some(ip) = ip.filter(|ip| is_ip_key(*ip) && !own.is_own_ip(*ip)) else {
                num_without_ip += 1;
                continue;
            };
            if self.session.site.demo && self.session.demo_snmp_port(ip).is_none() {
                num_sharing += 1;
                continue;
            }
            let who = Who::Unit(unit.id);
            let wanted = Wanted {
                who,
                ip,
                is_thorough,
            };
            if self.identifying.queue.push(wanted, is_thorough, now) {
                num_queued += 1;
            } else {
                num_merged += 1;
            }
        }
        // Those that are queued already are waited for as well.
        let num_waited_for = num_queued + num_merged;
        self.identifying.is_asked |= num_waited_for > 0;
        let saying = match (num_waited_for, num_without_ip) {
            (0, 0) if num_sharing > 0 => {
                "No simulated unit alone has this address, so none can be asked there".to_owned()
            }
            (0, 0) => "There is nothing to identify".to_owned(),
            (0, _) => "None of these units has an address to ask".to_owned(),
            (_, 0) => return,
            (_, 1) => "1 of these units has no address to ask".to_owned(),
            (_, num) => format!("{num} of these units have no address to ask"),
        };
        self.say.said(Saying::note(saying));
    }

    pub(super) fn stop_identify(&mut self, now: Timestamp) {
        self.identifying.queue.stop(now);
        self.identifying.is_asked = false;
        // A sweep goes on without its probes.
        self.identifying.sweep = None;
    }

    pub(super) fn set_identify(&mut self, settings: IdentifySettings) {
        if !settings.automatic {
            self.identifying.automatic.forget_waiting();
        }
        self.identifying.set(&settings);
        self.config.identify.settings = settings;
    }

    /// A unit was heard: it is asked by itself, when nobody asked it yet.
    pub(super) fn heard_by_itself(&mut self, id: ApplianceId, now: Timestamp) {
        if self.replay.is_none()
            && self.config.identify.settings.automatic
            && let Some(unit) = self.session.registry.get(id)
            && unit.probed.as_deref().is_none_or(Probed::is_silent)
        {
            self.identifying.automatic.heard(id, now);
        }
    }

    /// What is due: units newly heard, addresses of a sweep, and those whose turn it is.
    pub(super) fn identify_turn(&mut self, now: Timestamp) {
        self.queue_automatic(now);
        self.queue_swept(now);
        let this = &mut self.identifying;
        let ports = Arc::new(self.config.identify.ports.clone());
        let (limit, silence) = (self.config.identify.limit, self.config.identify.silence);
        let session = &self.session;
        let asking = |wanted: &Wanted| {
            let asking = Asking {
                ask: Ask {
                    ip: wanted.ip,
                    ports: Arc::clone(&ports),
                    limit,
                    silence,
                    slots: this.slots.clone(),
                    communities: Arc::clone(&this.communities),
                    v3: this.v3.user.clone(),
                },
                wanted: Arc::clone(&this.wanted),
                is_thorough: wanted.is_thorough,
                catalog: Arc::clone(&this.catalog),
                neighbors: this.neighbors.clone(),
            };
            if session.site.demo {
                demo::asking(asking, session.demo_snmp_port(wanted.ip))
            } else {
                asking
            }
        };
        this.queue.begin(asking);
    }

    fn queue_automatic(&mut self, now: Timestamp) {
        let context = self.session.registry.context(now);
        let num_waiting = self.identifying.automatic.waiting.len();
        for _ in 0..num_waiting {
            let waiting = &mut self.identifying.automatic.waiting;
            let Some((id, due)) = waiting.pop_front() else {
                break;
            };
            // In the order of hearing, so nobody behind this one is due either.
            if due > now {
                waiting.push_front((id, due));
                break;
            }
            let Some(unit) = self.session.registry.get(id) else {
                continue;
            };
            let Some(heard) = &unit.heard else { continue };
            if heard.provisional {
                if now.millis_since(heard.first) < TRIAL_MILLIS {
                    waiting.push_back((id, now.plus_millis(AUTOMATIC_AFTER_MILLIS)));
                }
                continue;
            }
            let ip = unit.heard_ip().filter(|ip| {
                !context.shared_ips.contains_key(ip) && self.may_be_asked_by_itself(unit, *ip)
            });
            if let Some(ip) = ip {
                let wanted = Wanted {
                    who: Who::Unit(id),
                    ip,
                    is_thorough: false,
                };
                self.identifying.automatic.asked(id, now);
                self.identifying.queue.push(wanted, false, now);
            } else {
                // Until it has an address of its own, in a network that is chosen and that it was heard on.
                self.identifying.automatic.not_asked(id);
            }
        }
    }

    /// Whether an address may be asked without a person: it is in a chosen network that the unit was heard on, and is
    /// nobody else's there.
    fn may_be_asked_by_itself(&self, unit: &Appliance, ip: Ipv4Addr) -> bool {
        if !is_ip_key(ip) || self.session.registry.is_own_ip(ip) {
            return false;
        }
        let gateway = unit.gateway().and_then(|best| best.value);
        if gateway == Some(ip) {
            return false;
        }
        let networks = self.session.networks_of(unit);
        networks.iter().any(|network| {
            network.contains(ip)
                && network.ip != ip
                && network.broadcast() != Some(ip)
                && Ipv4Addr::from(u32::from(network.ip) & u32::from(network.mask())) != ip
        })
    }

    /// Addresses of a sweep: those that answered, those in the table of neighbors, and at the end the rest of a range
    /// that is probed whole.
    fn queue_swept(&mut self, now: Timestamp) {
        let Some(sweep) = &self.session.sweep else {
            self.identifying.sweep = None;
            return;
        };
        let Some(probing) = &mut self.identifying.sweep else {
            return;
        };
        let networks = self.session.asker.networks();
        let is_over = sweep.is_over();
        let mut ips: Vec<Ipv4Addr> = sweep.answered_ips(&probing.taken);
        if is_over {
            if probing.is_whole && sweep.is_complete() {
                let is_dead = |ip: &Ipv4Addr| is_local(*ip, &networks) && !probing.no_neighbors;
                ips.extend(sweep.unanswered().into_iter().filter(|ip| !is_dead(ip)));
            }
        } else if probing.is_whole && !probing.no_neighbors && now >= self.identifying.next_look {
            self.identifying.next_look = now.plus_millis(NEIGHBORS_EVERY.as_millis() as u64);
            look_at_neighbors(&self.identifying.neighbors, self.to_beside.clone());
        }
        self.identifying.probe_swept(ips, now);
        if is_over {
            self.identifying.sweep = None;
        }
    }

    /// The table of neighbors, while a sweep runs: who is in it is there, also when it does not answer.
    pub(super) fn take_neighbors(&mut self, table: &Neighbors) {
        let (Some(sweep), Some(probing)) = (&self.session.sweep, &mut self.identifying.sweep)
        else {
            return;
        };
        let table = match table {
            Ok(table) => table,
            Err(why) => {
                tracing::warn!("the table of neighbors cannot be read: {why}");
                probing.no_neighbors = true;
                return;
            }
        };
        let now = clock::now();
        let networks = self.session.asker.networks();
        let ips: Vec<Ipv4Addr> = table
            .iter()
            .filter_map(|neighbor| match neighbor.ip {
                IpAddr::V4(ip) => Some(ip),
                IpAddr::V6(_) => None,
            })
            .filter(|ip| sweep.covers(*ip))
            .filter(|ip| networks.iter().any(|network| network.contains(*ip)))
            .collect();
        sweep.resolved(ips.iter().copied());
        self.identifying.probe_swept(ips, now);
    }

    /// Takes in what came of asking one address.
    pub(super) fn take_asked(&mut self, wanted: &Wanted, asked: Option<Asked>) {
        let now = clock::now();
        let is_identified = if let Some(mut asked) = asked {
            if self.session.site.demo {
                demo::take(&mut asked, wanted.ip);
            }
            self.learn_asked(wanted, asked, now)
        } else {
            let title = format!(
                "Asking {} failed because of an error inside Rollcall",
                wanted.ip
            );
            self.say
                .said(Saying::trouble(title).hint("The log has the details: please report them"));
            false
        };
        self.identifying.queue.done(is_identified, now);
        if self.identifying.queue.is_idle()
            && std::mem::take(&mut self.identifying.is_asked)
            && let Some(state) = self.identifying.queue.state()
        {
            let units = match state.num_units {
                1 => "1 unit".to_owned(),
                num => format!("{num} units"),
            };
            let are = if state.num_identified == 1 {
                "is"
            } else {
                "are"
            };
            let title = format!("Asked {units}: {} {are} known now", state.num_identified);
            self.say.said(Saying::done(title));
        }
    }

    /// Returns whether a product is known now.
    fn learn_asked(&mut self, wanted: &Wanted, asked: Asked, now: Timestamp) -> bool {
        let Asked { mut probed, mac } = asked;
        let ip = wanted.ip;
        probed.targets.shrink_to_fit();
        let fresh = Arc::new(probed);
        let interface = self
            .route_to(ip)
            .and_then(|local| self.session.plane.tcp_ear(local, crate::wire::PORT_INSTALL))
            .map_or_else(|| Arc::from(""), |(ear, _)| ear.interface);
        let registry = &self.session.registry;
        let meant = match wanted.who {
            Who::Unit(id) if registry.get(id).is_none() => return false,
            Who::Unit(id) => Some(id),
            Who::Swept => None,
        };
        let answered = registry.who_answered(meant, ip, mac, &fresh);
        if let Some(meant) = meant.filter(|meant| answered.unit != Some(*meant))
            && !fresh.is_silent()
        {
            self.say_other(meant, ip, mac);
        }
        let unit = answered
            .unit
            .and_then(|id| self.session.registry.get(id))
            .cloned();
        if unit.is_none() && fresh.is_silent() {
            return false;
        }
        let before = unit.as_deref().and_then(|unit| unit.probed.as_deref());
        let probed = Arc::new(Probed::clone(&fresh).over(before));
        let mut identified = self.identifying.judge(unit.as_deref(), &probed, mac, now);
        identified
            .remarks
            .extend(no_longer_answered(&fresh, &probed));
        if let Some(unit) = &unit {
            identified
                .contradictions
                .extend(self.shared_serial(unit, &probed));
        }
        let is_known = identified.product.is_some();
        let result = ProbeResult {
            fresh,
            probed,
            identified: Arc::new(identified),
            mac: answered.mac,
            interface,
        };
        let is_ours = unit.is_some() || result.identified.is_ours;
        if is_ours
            && !result.fresh.is_silent()
            && let Some(sweep) = &self.session.sweep
        {
            sweep.answered(ip);
        }
        match unit {
            Some(unit) => {
                self.identifying.others.remove(ip);
                self.session.registry.take_probed(unit.id, &result);
            }
            None if is_ours => match self.session.registry.take_found(&result) {
                Change::New(_) => {
                    self.session.last_heard = Some(now);
                    self.identifying.others.remove(ip);
                }
                // There is no room for one more unit: it is listed at least.
                _ => self.identifying.others.keep(&result),
            },
            None => self.identifying.others.keep(&result),
        }
        is_known
    }

    /// Two units that say one serial: which of them is right, nobody can tell from here.
    fn shared_serial(&self, unit: &Appliance, probed: &Probed) -> Option<String> {
        let serial = probed.clue(ClueKind::Serial)?;
        let other = self.session.registry.other_with_serial(serial, unit.id)?;
        // A row of a file that has it becomes one with the unit.
        other.heard.as_ref()?;
        let ip = other.ip_value().map(|ip| format!(" at {ip}"));
        Some(format!(
            "Another unit{} says the serial {serial:?} too",
            ip.unwrap_or_default()
        ))
    }

    /// The laptop's own address towards a unit.
    fn route_to(&self, ip: Ipv4Addr) -> Option<Ipv4Addr> {
        if self.session.site.demo {
            return Some(Ipv4Addr::LOCALHOST);
        }
        route_to(ip)
    }

    fn say_other(&mut self, meant: ApplianceId, ip: Ipv4Addr, mac: Option<Mac>) {
        let Some(unit) = self.session.registry.get(meant) else {
            return;
        };
        let name = unit.name().map_or_else(
            || {
                unit.mac()
                    .map(|best| best.value.to_string())
                    .unwrap_or_default()
            },
            |best| best.value.to_owned(),
        );
        let mac = mac.map(|mac| format!(" with the MAC {mac}"));
        let title = format!(
            "Not {name:?} answers at {ip}, but somebody else{}",
            mac.unwrap_or_default()
        );
        self.say
            .said(Saying::note(title).because("What was answered is not taken for this unit's"));
    }

    /// Reads the tables again, beside.
    pub(super) fn reload_catalog(&mut self) {
        let folder = self.config.identify.catalog_dir.clone();
        let to_beside = self.to_beside.clone();
        tokio::spawn(async move {
            let (catalog, state) = load_catalog(folder).await;
            // The actor has ended when it does not take it.
            let _ = to_beside
                .send(Beside::Catalog(catalog, Box::new(state)))
                .await;
        });
    }

    /// Judges all units by the tables that were read.
    pub(super) fn take_catalog(&mut self, catalog: Arc<Catalog>, state: CatalogState) {
        let title = format!(
            "The catalog was read: {} products, {} own rows, {} rows left out",
            state.num_products,
            state.num_own_rows,
            state.refused.len()
        );
        self.identifying.catalog = catalog;
        self.identifying.catalog_state = Arc::new(state);
        self.judge_all();
        self.say.said(Saying::done(title));
    }

    /// Judges every unit anew, after the catalog changed.
    pub(super) fn judge_all(&mut self) {
        let now = clock::now();
        let identifying = &self.identifying;
        self.session.registry.judge(|unit| {
            let probed = unit.probed.as_deref()?;
            Some(Arc::new(identifying.judge(Some(unit), probed, None, now)))
        });
    }
}

/// The probes that answered before and do not any more: what is known by them is of that time.
fn no_longer_answered(fresh: &Probed, all: &Probed) -> Vec<String> {
    let is_asked = |probe| fresh.answer(probe).is_some();
    all.answers
        .iter()
        .filter(|answer| is_asked(answer.probe) && answer.when < fresh.started())
        .map(|answer| {
            format!(
                "{} answered last at {}, and does not now",
                answer.probe.title(),
                answer.when
            )
        })
        .collect()
}

/// Looks at the neighbors beside the actor.
fn look_at_neighbors(neighbors: &NeighborTable, to_beside: mpsc::Sender<Beside>) {
    let neighbors = neighbors.clone();
    tokio::spawn(async move {
        let table = neighbors.look(Instant::now()).await;
        // The next look comes soon when this one does not fit.
        let _ = to_beside.try_send(Beside::Neighbors(table));
    });
}
