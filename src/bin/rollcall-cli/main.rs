//! The command line: the same engine without a window. One subcommand a function, no logic of its own.
//!
//! Results go to standard output, progress and errors to standard error. Exit codes: 0 done, 1 done
//! with findings, 2 wrong usage or failure.

mod decode;
mod output;
mod simulate;

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
    /// Run a simulated fleet until stopped.
    Simulate(simulate::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().call {
        Call::Decode(args) => decode::decode(&args),
        Call::Simulate(args) => simulate::simulate(&args),
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
