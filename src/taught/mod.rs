//! Decoders that a person teaches: what a datagram means that is not AIDP. No files, no clock.
