//! Identification by the whole engine, against small servers on addresses of loopback: who is asked and when, what
//! becomes of the answers, what is kept. Nothing here sleeps: it waits for snapshots, notices and what servers saw.
//!
//! Not on macOS, where loopback has one address only.

#![cfg(not(target_os = "macos"))]
#![expect(
    clippy::disallowed_methods,
    reason = "a test waits for its own future and lays its own files"
)]

#[expect(
    dead_code,
    reason = "hostile answers are for the tests of the probe alone"
)]
#[path = "../support/ber.rs"]
mod ber;
#[expect(dead_code, reason = "every engine here has a set-up of its own")]
#[path = "../support/running.rs"]
mod running;

mod asked;
mod automatic;
mod bounds;
mod hall;
mod hostile;
mod kept;
mod swept;
mod targets;
mod v3;
