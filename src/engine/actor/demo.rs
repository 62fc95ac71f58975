//! Identification in the demo. Its units claim addresses of a made-up network, which may be real ones of somebody's
//! network: they are asked on 127.0.0.1 instead, and nothing is ever sent anywhere else.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::engine::identify::ProbePorts;
use crate::engine::identify::unit::{Asked, Asking};
use crate::model::probing::Probe;

/// The community that the simulated units let in. Those of a person are not for them.
const COMMUNITY: &str = "public";

/// The same question to a simulated unit: by SNMP alone, at its port on loopback. Without a port nothing is asked.
pub(super) fn asking(real: Asking, snmp_port: Option<u16>) -> Asking {
    let mut wanted = BTreeSet::new();
    if snmp_port.is_some() && real.wanted.contains(&Probe::Snmp) {
        wanted.insert(Probe::Snmp);
    }
    let mut ask = real.ask;
    ask.ip = Ipv4Addr::LOCALHOST;
    ask.ports = Arc::new(ProbePorts {
        snmp: snmp_port.unwrap_or_default(),
        ..ProbePorts::default()
    });
    ask.communities = Arc::from([COMMUNITY.to_owned()]);
    ask.v3 = None;
    Asking {
        ask,
        wanted: Arc::new(wanted),
        ..real
    }
}

/// Writes what came down to the address that the unit claims. There is no neighbor to have a MAC.
pub(super) fn take(asked: &mut Asked, ip: Ipv4Addr) {
    asked.probed.ip = ip;
    asked.mac = None;
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "a test's runtime is entered by blocking on it"
)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::catalog::Catalog;
    use crate::engine::identify::credentials::{Secret, V3Auth, V3User};
    use crate::engine::identify::unit::{NeighborTable, ask_unit};
    use crate::engine::identify::{Ask, MAX_OPEN, Slots};

    /// As a real unit is asked, by every means.
    fn real() -> Asking {
        Asking {
            ask: Ask {
                ip: Ipv4Addr::new(10, 20, 4, 17),
                ports: Arc::default(),
                limit: Duration::from_secs(6),
                silence: Duration::from_millis(1_500),
                slots: Slots::new(MAX_OPEN),
                communities: Arc::from(["of the plant".to_owned()]),
                v3: Some(Arc::new(V3User {
                    name: "rollout".to_owned(),
                    auth: V3Auth::Sha256,
                    auth_pass: Secret("authentic words".to_owned()),
                    priv_pass: Secret("private words".to_owned()),
                })),
            },
            wanted: Arc::new(Probe::ALL.into_iter().collect()),
            is_thorough: true,
            catalog: Arc::new(Catalog::default()),
            neighbors: NeighborTable::default(),
        }
    }

    #[test]
    fn a_simulated_unit_is_asked_on_loopback_by_snmp_alone() {
        let asking = asking(real(), Some(40_161));
        assert_eq!(asking.ask.ip, Ipv4Addr::LOCALHOST);
        assert_eq!(asking.ask.ports.snmp, 40_161);
        assert_eq!(*asking.wanted, BTreeSet::from([Probe::Snmp]));
        assert_eq!(*asking.ask.communities, ["public"]);
        assert_eq!(asking.ask.v3, None, "no secret of a person is told");
    }

    #[test]
    fn what_is_switched_off_stays_off() {
        let mut real = real();
        real.wanted = Arc::new(BTreeSet::from([Probe::Http, Probe::Ports]));
        assert!(asking(real, Some(40_161)).wanted.is_empty());
    }

    #[tokio::test]
    async fn without_a_port_nothing_is_asked() {
        let asking = asking(real(), None);
        let slots = asking.ask.slots.clone();
        let mut asked = ask_unit(asking).await;
        assert_eq!(slots.most_open(), 0, "no socket was opened");
        let ip = Ipv4Addr::new(10, 20, 4, 17);
        take(&mut asked, ip);
        assert!(asked.probed.answers.is_empty());
        assert_eq!((asked.probed.ip, asked.mac), (ip, None));
    }
}
