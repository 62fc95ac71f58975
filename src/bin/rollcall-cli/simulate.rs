//! `simulate`: runs a simulated fleet until stopped.

use std::num::NonZeroU32;
use std::time::Duration;

use rollcall::model::network::Network;
use rollcall::sim::{
    Behavior, DEMO_UNITS, Fleet, FleetPlan, FleetStyle, Placement, SimInterface, SimUnit,
};
use rollcall::wire::{PORT_INSTALL, PORT_MANAGEMENT};
use serde::Serialize;

use crate::output::{Failure, JsonLines, Outcome, counted, say};

/// What `simulate` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rollcall-cli simulate --units 24 --interface eth0\n\nPrints one JSON object with the ports, then one a unit, and runs until Ctrl-C. Without --interface the fleet is on 127.0.0.1."
)]
pub(crate) struct Args {
    /// How many units
    #[arg(long, value_name = "N", default_value_t = DEMO_UNITS)]
    units: usize,
    /// The same seed gives the same fleet
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The interface that the fleet is behind, on ports 3502 and 3211
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// What the units are like: "rollout" for the mixture of one, or one behavior for all of them
    #[arg(long, value_name = "STYLE", default_value = "rollout", value_parser = style_of)]
    style: FleetStyle,
    /// Over how many milliseconds the answers to one question are spread; 0 is as fast as possible
    #[arg(long, value_name = "MS", default_value_t = 400)]
    spread_millis: u64,
    /// On loopback: the ports to be asked on, 0 for any free one
    #[arg(
        long,
        value_name = "A,B",
        default_value_t = Ports([PORT_INSTALL, PORT_MANAGEMENT]),
        value_parser = ports_of,
        conflicts_with = "interface"
    )]
    listen_ports: Ports,
    /// On loopback: the ports that announcements and broadcasts go to
    #[arg(
        long,
        value_name = "A,B",
        default_value_t = Ports([PORT_INSTALL, PORT_MANAGEMENT]),
        value_parser = ports_of,
        conflicts_with = "interface"
    )]
    hear_ports: Ports,
    /// Stop by itself after so many seconds
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
}

/// Two ports: install, management.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ports([u16; 2]);

impl std::fmt::Display for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [install, management] = self.0;
        write!(f, "{install},{management}")
    }
}

fn ports_of(text: &str) -> Result<Ports, String> {
    let port = |text: &str| {
        text.trim()
            .parse()
            .map_err(|_invalid| format!("{text:?} is no port"))
    };
    let (install, management) = text
        .split_once(',')
        .ok_or_else(|| "two ports with a comma between them".to_owned())?;
    Ok(Ports([port(install)?, port(management)?]))
}

fn style_of(word: &str) -> Result<FleetStyle, String> {
    if word == "rollout" {
        return Ok(FleetStyle::Rollout);
    }
    Behavior::from_word(word)
        .map(FleetStyle::Every)
        .ok_or_else(|| {
            let words: Vec<&str> = Behavior::ALL.into_iter().map(Behavior::word).collect();
            format!("one of rollout, {}", words.join(", "))
        })
}

/// The first line: where the fleet is asked.
#[derive(Debug, Serialize)]
struct Started<'a> {
    install_port: u16,
    management_port: u16,
    interface: Option<&'a str>,
    units: usize,
    seed: u64,
}

/// One line a unit.
#[derive(Debug, Serialize)]
struct UnitLine<'a> {
    name: Option<&'a str>,
    model: &'static str,
    model_number: u16,
    mac: String,
    ip: Option<String>,
    mask: Option<String>,
    gateway: Option<String>,
    behavior: &'static str,
    boot_millis: u64,
}

impl<'a> UnitLine<'a> {
    fn new(unit: &'a SimUnit) -> Self {
        Self {
            name: unit.name.as_deref(),
            model: unit.model,
            model_number: unit.model_number,
            mac: unit.mac.to_string(),
            ip: unit.network.map(|network| network.ip.to_string()),
            mask: unit.network.map(Network::mask).map(|mask| mask.to_string()),
            gateway: unit.gateway.map(|gateway| gateway.to_string()),
            behavior: unit.behavior.word(),
            boot_millis: unit.boot_millis,
        }
    }
}

/// Runs the subcommand.
pub(crate) fn simulate(args: &Args) -> Result<Outcome, Failure> {
    let placement = placement(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("fleet")
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "there is no window to hold up: waiting is all that this thread has to do"
    )]
    runtime.block_on(run(args, placement))
}

async fn run(args: &Args, placement: Placement) -> Result<Outcome, Failure> {
    let plan = FleetPlan {
        units: args.units,
        seed: args.seed,
        style: args.style,
        spread_millis: args.spread_millis,
    };
    let fleet = Fleet::start(plan, placement).await?;
    let [install_port, management_port] = fleet.ports();
    let mut out = JsonLines::new();
    out.write(&Started {
        install_port,
        management_port,
        interface: args.interface.as_deref(),
        units: args.units,
        seed: args.seed,
    })?;
    for unit in fleet.units() {
        out.write(&UnitLine::new(unit))?;
    }
    out.flush()?;
    stopped(args.seconds).await;
    say(format_args!(
        "heard {}, sent {}, could not send {}",
        counted(fleet.asked(), "request", "requests"),
        counted(fleet.answered(), "datagram", "datagrams"),
        fleet.withheld()
    ));
    fleet.stop();
    Ok(Outcome::Done)
}

/// Waits for Ctrl-C, or for the time to be up.
async fn stopped(seconds: Option<u64>) {
    let time_is_up = async {
        match seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    let told = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without the signal, only the end of the process stops the fleet.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = time_is_up => {}
        () = told => {}
    }
}

fn placement(args: &Args) -> Result<Placement, Failure> {
    let Some(name) = &args.interface else {
        return Ok(Placement::Loopback {
            hear: args.hear_ports.0,
            listen: Some(args.listen_ports.0),
        });
    };
    let interfaces = netdev::get_interfaces();
    let found = interfaces
        .iter()
        .find(|interface| interface.name == *name)
        .and_then(|interface| Some((interface, NonZeroU32::new(interface.index)?)));
    let Some((interface, index)) = found else {
        return Err(Failure::no_interface(name));
    };
    Ok(Placement::Interface(SimInterface {
        name: name.clone(),
        index,
        ip: interface.ipv4_addrs().first().copied(),
    }))
}
