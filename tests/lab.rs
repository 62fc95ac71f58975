//! The lab: a laptop with two networks and a fleet behind each, on one Linux machine as root.
//!
//! `sudo -E cargo test --test lab -- --ignored --test-threads=1`

use std::io::Write as _;

#[cfg(target_os = "linux")]
#[path = "lab/captures.rs"]
mod captures;
#[cfg(target_os = "linux")]
#[path = "support/daemons.rs"]
mod daemons;
#[cfg(target_os = "linux")]
#[path = "lab/engine.rs"]
mod engine;
#[cfg(target_os = "linux")]
#[path = "lab/fleet.rs"]
mod fleet;
#[cfg(target_os = "linux")]
#[path = "support/lab_hall.rs"]
mod hall;
#[cfg(target_os = "linux")]
#[path = "lab/identify.rs"]
mod identify;
#[cfg(target_os = "linux")]
#[path = "support/lab.rs"]
mod lab;
#[cfg(target_os = "linux")]
#[path = "lab/ports.rs"]
mod ports;
#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "the lab has networks and units of its own")]
#[path = "support/running.rs"]
mod running;
#[cfg(target_os = "linux")]
#[path = "support/searcher.rs"]
mod searcher;
#[cfg(target_os = "linux")]
#[path = "lab/watch.rs"]
mod watch;

/// Says on the real standard error, which the test harness does not keep to itself, what a run
/// without root did not do.
#[test]
fn what_needs_root_says_that_it_was_left_out() {
    let runs_all = std::env::args().any(|arg| arg == "--include-ignored");
    if !runs_all {
        writeln!(
            std::io::stderr(),
            "the lab was left out: it needs Linux, root and network namespaces. To run it: \
             sudo -E cargo test --test lab -- --ignored --test-threads=1"
        )
        .expect("standard error is open");
    }
}
