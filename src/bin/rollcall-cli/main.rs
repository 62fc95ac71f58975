//! The command line: the same engine without a window. One subcommand a function, no logic of its own.
//!
//! Results go to standard output, progress and errors to standard error. Exit codes: 0 done, 1 done
//! with findings, 2 wrong usage or failure.

mod capture;
mod decode;
mod doctor;
mod expose;
mod files;
mod find;
mod identify;
mod json;
mod listen;
mod output;
mod session;
mod simulate;
mod watch;
mod written;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::Outcome;

/// Hears Avocent and Vertiv appliances on the networks of this machine.
#[derive(Debug, Parser)]
#[command(name = "rollcall-cli", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    call: Call,
}

#[derive(Debug, Subcommand)]
enum Call {
    /// Say what datagrams mean, one JSON object a line.
    Decode(decode::Args),
    /// Say what is heard, one JSON object a sighting, as it comes.
    Listen(listen::Args),
    /// Listen and search, then write the inventory.
    Search(find::SearchArgs),
    /// Ask address by address, then write the inventory.
    Sweep(find::SweepArgs),
    /// Ask addresses by SNMP, TLS, web, SSH, Telnet and ports what they are, one JSON object an address.
    Identify(identify::Args),
    /// Listen, and say what is worth a look: strangers, other searchers, contradictions, floods.
    Watch(watch::Args),
    /// Write what goes over the watched ports into a pcapng file.
    Capture(capture::CaptureArgs),
    /// Read a capture file as if it were heard now, then write the inventory.
    Replay(capture::ReplayArgs),
    /// Say which addresses answer on the discovery ports.
    Expose(expose::Args),
    /// Write the inventory of a site file.
    Export(files::ExportArgs),
    /// Take inventory files into a site file.
    Import(files::ImportArgs),
    /// Run a simulated fleet until stopped.
    Simulate(simulate::Args),
    /// Say what is listened to, who holds the ports, and what may keep units from being heard.
    Doctor(doctor::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().call {
        Call::Decode(args) => decode::decode(&args),
        Call::Listen(args) => listen::listen(&args),
        Call::Search(args) => find::search(&args),
        Call::Sweep(args) => find::sweep(&args),
        Call::Identify(args) => identify::identify(&args),
        Call::Watch(args) => watch::watch(&args),
        Call::Capture(args) => capture::capture(&args),
        Call::Replay(args) => capture::replay(&args),
        Call::Expose(args) => expose::expose(&args),
        Call::Export(args) => files::export(&args),
        Call::Import(args) => files::import(&args),
        Call::Simulate(args) => simulate::simulate(&args),
        Call::Doctor(args) => doctor::doctor(&args),
    };
    match done {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        // Whoever reads has seen enough: `rollcall-cli … | head`.
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            output::say(format_args!("rollcall-cli: {}", output::chain(&failure)));
            ExitCode::from(2)
        }
    }
}
