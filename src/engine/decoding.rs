//! The decoders that a person taught, as every listener has them: replaced all at once when their files are read again.

use std::sync::{Arc, PoisonError, RwLock};

use crate::model::sighting::Claims;
use crate::taught::Decoders;

/// The decoders of now. Clones share them.
///
/// Locked for as long as an `Arc` takes to be copied.
#[derive(Clone, Debug, Default)]
pub struct DecoderSlot(Arc<RwLock<Arc<Decoders>>>);

impl DecoderSlot {
    /// Uses these from now on.
    pub fn set(&self, decoders: Arc<Decoders>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = decoders;
    }

    /// The decoders of now.
    pub fn now(&self) -> Arc<Decoders> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the first decoder that knows the bytes reads in them.
    pub fn read(&self, port: u16, bytes: &[u8]) -> Option<Claims> {
        self.now().first_claims(port, bytes)
    }
}
