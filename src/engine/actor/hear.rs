//! Taking in what was heard, by UDP and by TCP.

use std::net::IpAddr;

use super::{Actor, BATCHES_A_TURN};
use crate::engine::plane::{FromPlane, Item};
use crate::engine::tcp::TcpHeard;
use crate::model::registry::Change;
use crate::model::sighting::Sighting;

impl Actor {
    /// Takes one batch, and those that wait behind it, up to a bound.
    pub(super) fn take_batches(&mut self, first: Option<FromPlane>) {
        if let Some(first) = first {
            self.take_batch(first);
        }
        for _ in 1..BATCHES_A_TURN {
            match self.session.from_plane.try_recv() {
                Ok(waiting) => self.take_batch(waiting),
                Err(_) => return,
            }
        }
    }

    fn take_batch(&mut self, batch: FromPlane) {
        match batch {
            FromPlane::Heard(items) => self.take_items(items),
            FromPlane::Say(saying) => self.say.said(saying),
        }
    }

    pub(super) fn take_items(&mut self, items: Vec<Item>) {
        for item in items {
            self.take_item(item);
        }
    }

    pub(super) fn take_item(&mut self, item: Item) {
        self.session.watch.hear(&item);
        match item {
            Item::Sighting(sighting) => self.take_sighting(*sighting),
            Item::Stray(stray) => {
                self.session.last_heard = Some(stray.when);
                self.session.registry.keep_stray(stray);
            }
            Item::Request(request) => {
                self.session.last_heard = Some(request.when);
                let ip = request.from.ip();
                let registry = &mut self.session.registry;
                registry.note_request(
                    &request.interface,
                    ip,
                    request.kind,
                    request.meant,
                    request.when,
                );
            }
        }
    }

    pub(super) fn take_sighting(&mut self, sighting: Sighting) {
        self.session.last_heard = Some(sighting.when);
        if let Some(tap) = &self.config.tap {
            // The command line reads as fast as it can; what does not fit is in the inventory all the same.
            let _ = tap.try_send(sighting.clone());
        }
        self.expose_hears(&sighting);
        if sighting.source.is_routed()
            && let Some(sweep) = &self.session.sweep
            && let Some(ip) = sighting.from_ipv4()
        {
            sweep.answered(ip);
        }
        let when = sighting.when;
        if let Change::New(id) | Change::Known(id) = self.session.registry.apply(sighting) {
            self.heard_by_itself(id, when);
        }
    }

    pub(super) fn take_tcp(&mut self, heard: &TcpHeard) {
        if self.session.site.demo {
            // Real units do not belong into the demo's site.
            return;
        }
        let local = match heard.local.ip() {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(ip) => ip.to_ipv4_mapped(),
        };
        let Some((ear, is_wanted)) =
            local.and_then(|ip| self.session.plane.tcp_ear(ip, heard.local.port()))
        else {
            tracing::debug!("{} came in over no interface that is listed", heard.from);
            return;
        };
        // Whoever was asked is heard, by whatever way the answer comes; an interface that is off is not listened on.
        let was_asked = Some(heard.from.port()) == self.config.tcp_port;
        if !is_wanted && !was_asked {
            return;
        }
        let mut items = Vec::new();
        ear.hear(&heard.bytes, heard.from, heard.when, &mut items);
        for mut item in items {
            item.set_by_tcp();
            self.take_item(item);
        }
    }
}
