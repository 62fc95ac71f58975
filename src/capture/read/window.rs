//! A window onto a stream of bytes that moves forward. Its memory follows what was really read, not what a file claims.

use std::io::{self, Read};

/// How large the window is at first: many captures are small.
const FIRST_BYTES: usize = 64 * 1024;

/// The bytes of `source` from the place that was reached.
#[derive(Debug)]
pub(super) struct Window<R> {
    source: R,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    consumed_bytes: u64,
    is_over: bool,
}

impl<R: Read> Window<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            bytes: vec![0; FIRST_BYTES],
            start: 0,
            end: 0,
            consumed_bytes: 0,
            is_over: false,
        }
    }

    /// The next `wanted` bytes, or what is left when the source is over.
    pub(super) fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        while self.end - self.start < wanted && !self.is_over {
            self.refill(wanted)?;
        }
        Ok(self.view(wanted))
    }

    /// What [`Self::peek`] returned last, without reading.
    pub(super) fn view(&self, wanted: usize) -> &[u8] {
        let end = self.end.min(self.start.saturating_add(wanted));
        &self.bytes[self.start..end]
    }

    /// Moves on by `num_bytes` that were seen.
    pub(super) fn consume(&mut self, num_bytes: usize) {
        let num_bytes = num_bytes.min(self.end - self.start);
        self.start += num_bytes;
        self.consumed_bytes += num_bytes as u64;
    }

    /// How far it has moved.
    pub(super) const fn consumed_bytes(&self) -> u64 {
        self.consumed_bytes
    }

    fn refill(&mut self, wanted: usize) -> io::Result<()> {
        if self.start + wanted > self.bytes.len() && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.bytes.len() {
            // Doubled only once it is full: a length in a file costs no memory, bytes do.
            let grown = (self.bytes.len() * 2).min(wanted.max(FIRST_BYTES));
            self.bytes.resize(grown, 0);
        }
        match self.source.read(&mut self.bytes[self.end..]) {
            Ok(0) => self.is_over = true,
            Ok(num_bytes) => self.end = (self.end + num_bytes).min(self.bytes.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives three bytes at a time, with an interruption before each.
    struct Dribble(Vec<u8>, bool);

    impl Read for Dribble {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let num_bytes = self.0.len().min(into.len()).min(3);
            into[..num_bytes].copy_from_slice(&self.0[..num_bytes]);
            self.0.drain(..num_bytes);
            Ok(num_bytes)
        }
    }

    #[test]
    fn gives_what_is_asked_for_and_then_what_is_left() {
        let mut window = Window::new(Dribble((0..20).collect(), false));
        assert_eq!(window.peek(8).expect("readable"), &[0, 1, 2, 3, 4, 5, 6, 7]);
        window.consume(8);
        assert_eq!(window.peek(2).expect("readable"), &[8, 9]);
        window.consume(2);
        assert_eq!(window.peek(100).expect("readable").len(), 10);
        window.consume(100);
        assert_eq!(window.consumed_bytes(), 20);
        assert_eq!(window.peek(1).expect("readable"), &[0; 0]);
    }

    #[test]
    fn a_claimed_length_costs_no_memory() {
        let mut window = Window::new(&[7; 100][..]);
        assert_eq!(window.peek(1 << 40).expect("readable").len(), 100);
        assert_eq!(window.bytes.len(), FIRST_BYTES);
    }

    #[test]
    fn grows_with_what_is_really_there() {
        let source: Vec<u8> = (0..300_000_u32).map(|at| at as u8).collect();
        let mut window = Window::new(&source[..]);
        window.peek(10).expect("readable");
        window.consume(10);
        assert_eq!(
            window.peek(200_000).expect("readable"),
            &source[10..200_010]
        );
        assert_eq!(window.bytes.len(), 200_000);
    }
}
