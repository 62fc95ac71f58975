//! Any bytes as a capture file: all datagrams are taken out, and none of the bounds is passed. The first byte says how the
//! program reads it, since what is kept and what is asked for differ: see [`Mode`]. The file follows, unless the first
//! byte is that of a capture file anyway, as in everything that is found elsewhere.
//!
//! Run with `RUSTC_BOOTSTRAP=1 cargo fuzz run capture fuzz/corpus/capture tests/data/capture`: what is found goes into the
//! first folder (which has to be there), the second is what to begin with.

#![no_main]

use std::io::{self, Read};

use capture::{COMMENT_KEPT_BYTES, CaptureReader, Datagram, MAX_PACKET_BYTES, WATCHED_PORTS};
use libfuzzer_sys::fuzz_target;
use model::sighting::RAW_KEPT_BYTES;

// The layers themselves, not the crate: the window's dependencies would take longer to build under instrumentation than
// the run takes.
#[expect(
    dead_code,
    unused_imports,
    reason = "the target calls only part of the layer"
)]
#[path = "../../src/capture/mod.rs"]
mod capture;
#[expect(
    dead_code,
    unused_imports,
    reason = "the target calls only part of the layer"
)]
#[path = "../../src/model/mod.rs"]
mod model;
#[expect(
    dead_code,
    unused_imports,
    reason = "the target calls only part of the layer"
)]
#[path = "../../src/wire/mod.rs"]
mod wire;

/// How the program reads a capture.
#[derive(Clone, Copy, Debug)]
struct Mode {
    /// Whether datagrams are kept whole, as for a replay and for writing them again.
    is_whole: bool,
    /// Whether every port is read, as of what Rollcall captured itself, instead of those of every capture and one that a
    /// decoder asks for.
    is_everything: bool,
}

impl Mode {
    const fn of(first: u8) -> Self {
        Self {
            is_whole: first & 1 != 0,
            is_everything: first & 2 != 0,
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let (mode, file) = match first {
        0x0a | 0x4d | 0xa1 | 0xd4 => (Mode::of(0), bytes),
        _ => (Mode::of(*first), rest),
    };
    let whole = drain(file, mode);
    // However the bytes come, the same datagrams are in them.
    assert_eq!(whole, drain(Dribble(file, 1), mode));
});

/// Every datagram, and how the file ended.
fn drain(source: impl Read, mode: Mode) -> (Vec<Datagram>, Option<String>) {
    let mut datagrams = Vec::new();
    let mut reader = match CaptureReader::new(source) {
        Ok(reader) if mode.is_everything => reader.watching_everything(),
        Ok(reader) => reader.watching([161]),
        Err(error) => return (datagrams, Some(error.to_string())),
    };
    if mode.is_whole {
        reader = reader.keeping_whole();
    }
    let end = loop {
        match reader.next() {
            Ok(Some(datagram)) => {
                check(&datagram, mode);
                datagrams.push(datagram);
            }
            Ok(None) => break None,
            Err(error) => break Some(error.to_string()),
        }
    };
    assert!(reader.next().is_ok_and(|more| more.is_none()));
    assert_eq!(
        reader.skipped().is_empty(),
        reader.skipped().sentences().is_empty()
    );
    for pair in datagrams.windows(2) {
        let in_order = pair[0].packet <= pair[1].packet;
        // What is unfinished comes last.
        assert!(in_order || pair[1].transport == capture::Transport::Tcp);
    }
    let last = datagrams.iter().map(|datagram| datagram.packet).max();
    assert!(last.unwrap_or_default() <= reader.packets_read());
    (datagrams, end)
}

/// The bounds of one datagram.
fn check(datagram: &Datagram, mode: Mode) {
    let max_bytes = if mode.is_whole {
        MAX_PACKET_BYTES as usize
    } else {
        RAW_KEPT_BYTES
    };
    assert!(datagram.raw.bytes.len() <= max_bytes);
    assert!(datagram.raw.bytes.len() <= datagram.raw.full_len as usize);
    // Each byte that is no text becomes three that say so.
    assert!(datagram.comment.len() <= 3 * COMMENT_KEPT_BYTES + 16);
    let mut ports = [datagram.from.port(), datagram.to.port()].into_iter();
    assert!(mode.is_everything || ports.any(|port| port == 161 || WATCHED_PORTS.contains(&port)));
    assert!(datagram.packet > 0 && !datagram.interface.is_empty());
    assert!(!datagram.when.to_string().is_empty());
}

/// Gives a few bytes at a time.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.1 = self.1 % 61 + 1;
        let num_bytes = self.0.len().min(into.len()).min(self.1);
        let (now, later) = self.0.split_at(num_bytes);
        into[..num_bytes].copy_from_slice(now);
        self.0 = later;
        Ok(num_bytes)
    }
}
