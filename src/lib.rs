//! x

pub mod wire;
