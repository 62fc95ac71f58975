//! Any bytes as a capture file: all datagrams are taken out, and none of the bounds is passed.
//!
//! Run with `RUSTC_BOOTSTRAP=1 cargo fuzz run capture fuzz/corpus/capture tests/data/capture`: what is found goes into the
//! first folder (which has to be there), the second is what to begin with.

#![no_main]

use std::io::{self, Read};

use capture::{COMMENT_KEPT_BYTES, CaptureReader, Datagram, WATCHED_PORTS};
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

fuzz_target!(|bytes: &[u8]| {
    let whole = drain(bytes);
    // However the bytes come, the same datagrams are in them.
    assert_eq!(whole, drain(Dribble(bytes, 1)));
});

/// Every datagram, and how the file ended.
fn drain(source: impl Read) -> (Vec<Datagram>, Option<String>) {
    let mut datagrams = Vec::new();
    let mut reader = match CaptureReader::new(source) {
        Ok(reader) => reader.watching([161]),
        Err(error) => return (datagrams, Some(error.to_string())),
    };
    let end = loop {
        match reader.next() {
            Ok(Some(datagram)) => {
                check(&datagram);
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

fn check(datagram: &Datagram) {
    assert!(datagram.raw.bytes.len() <= RAW_KEPT_BYTES);
    assert!(datagram.raw.bytes.len() <= datagram.raw.full_len as usize);
    // Each byte that is no text becomes three that say so.
    assert!(datagram.comment.len() <= 3 * COMMENT_KEPT_BYTES + 16);
    let ports = [datagram.from.port(), datagram.to.port()];
    assert!(
        ports
            .iter()
            .any(|port| *port == 161 || WATCHED_PORTS.contains(port))
    );
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
