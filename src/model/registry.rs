//! The one mutable collection of units.

/// How many sightings are kept of a unit.
pub const SIGHTINGS_KEPT: usize = 32;

/// How many raw datagrams are kept of a unit.
pub const RAW_KEPT: usize = 4;
