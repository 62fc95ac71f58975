//! The simulated fleet of the demo, and the network plane that hears it on loopback.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::{Arc, Mutex};

use super::command::{Saying, sentence};
use super::interfaces::{Found, InterfaceSource};
use super::plane::{PlaneConfig, Ports};
use super::say::Say;
use crate::sim::{Fleet, FleetPlan, Placement};

/// Starts the simulated fleet on loopback, on ports of its own.
pub(super) async fn demo_fleet(
    config: &PlaneConfig,
    say: &mut Say,
) -> (PlaneConfig, Option<Fleet>) {
    let mut plane = PlaneConfig {
        loopback_only: true,
        // 127.0.0.1 is there on every system, whatever the system lists.
        source: InterfaceSource::Fixed(Arc::new(Mutex::new(vec![Found::loopback()]))),
        only: Vec::new(),
        live_search: true,
        ..config.clone()
    };
    let Ok(hear) = free_ports() else {
        say.said(Saying::trouble("The demo fleet found no free ports"));
        return (plane, None);
    };
    match Fleet::start(
        FleetPlan::demo(),
        Placement::Loopback { hear, listen: None },
    )
    .await
    {
        Ok(mut fleet) => {
            if let Err(error) = fleet.open_snmp().await {
                say.said(
                    Saying::trouble("The demo's units cannot be identified")
                        .because(sentence(&error)),
                );
            }
            plane.ports = Ports {
                listen: hear,
                ask: fleet.ports(),
            };
            (plane, Some(fleet))
        }
        Err(error) => {
            say.said(
                Saying::trouble("The demo fleet could not be started").because(sentence(&error)),
            );
            (plane, None)
        }
    }
}

/// Two UDP ports of 127.0.0.1 that nobody holds just now.
fn free_ports() -> std::io::Result<[u16; 2]> {
    let first = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let second = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok([first.local_addr()?.port(), second.local_addr()?.port()])
}
