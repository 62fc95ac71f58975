//! The single-writer actor that owns sockets, timers, the site store and the registry.

pub mod clock;
pub mod command;
pub mod counters;
pub mod handle;
pub mod interfaces;
pub mod listener;
pub mod plane;
pub mod questions;
pub mod search;
pub mod socket;
mod watched;
