//! All decoders that are in use, in their order.

use std::sync::Arc;

use thiserror::Error;

use super::MAX_DECODERS;
use super::decode::{Decoder, Taught};
use crate::model::sighting::Claims;

/// Decoders in an order: the first that matches a datagram and can read any of its fields reads it. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoders {
    decoders: Arc<Vec<Decoder>>,
    /// Of each decoder, what the first bytes must be, side by side: most are ruled out by these alone.
    heads: Arc<Vec<Head>>,
}

/// What the first eight bytes of a datagram must be, where the mask has bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    mask: u64,
    value: u64,
}

/// Why a decoder is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotAdded {
    /// Another one has its name.
    #[error("another decoder has the name already")]
    NameTaken,
    /// There are as many as there may be.
    #[error("there are {MAX_DECODERS} decoders already, and no more are used")]
    Full,
}

impl Decoders {
    /// Puts a decoder behind the others.
    pub fn push(&mut self, decoder: Decoder) -> Result<(), NotAdded> {
        if self.by_name(decoder.name()).is_some() {
            return Err(NotAdded::NameTaken);
        }
        if self.decoders.len() >= MAX_DECODERS {
            return Err(NotAdded::Full);
        }
        let (mask, value) = decoder.head();
        Arc::make_mut(&mut self.heads).push(Head { mask, value });
        Arc::make_mut(&mut self.decoders).push(decoder);
        Ok(())
    }

    /// Reads a datagram by the first decoder that matches it and finds anything in it. `port` as of [`Decoder::matches`]; the caller keeps AIDP
    /// back.
    pub fn first_match(&self, port: u16, datagram: &[u8]) -> Option<Taught> {
        self.candidates(datagram)
            .filter_map(|decoder| decoder.decode(port, datagram))
            .find(|taught| !taught.fields.is_empty())
    }

    /// The claims of [`Decoders::first_match`] alone, in less time: for every datagram that is heard.
    pub fn first_claims(&self, port: u16, datagram: &[u8]) -> Option<Claims> {
        self.candidates(datagram)
            .find_map(|decoder| decoder.claims(port, datagram))
    }

    /// Those that the first bytes of a datagram do not rule out.
    fn candidates(&self, datagram: &[u8]) -> impl Iterator<Item = &Decoder> {
        let mut first = [0; 8];
        let len = datagram.len().min(first.len());
        first[..len].copy_from_slice(&datagram[..len]);
        let first = u64::from_ne_bytes(first);
        self.heads
            .iter()
            .zip(self.decoders.iter())
            .filter(move |(head, _)| (first ^ head.value) & head.mask == 0)
            .map(|(_, decoder)| decoder)
    }

    /// The one of this name.
    pub fn by_name(&self, name: &str) -> Option<&Decoder> {
        self.iter().find(|decoder| decoder.name() == name)
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Decoder> {
        self.decoders.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.decoders.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.decoders.is_empty()
    }
}
