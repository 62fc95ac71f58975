//! The field's words: units, sightings, facts, status, and the one mutable collection of them, the registry.
//! Pure: no sockets, no files, no clocks; time is a parameter. May use `wire`, thiserror, and jiff for printing times.

pub mod appliance;
pub mod column;
pub mod compare;
pub mod edit;
pub mod exposure;
pub mod fact;
pub mod finding;
pub mod identification;
pub mod identity;
pub mod network;
pub mod probing;
pub mod query;
pub mod registry;
pub mod shown;
pub mod sighting;
pub mod snapshot;
pub mod status;
pub mod time;
pub mod traffic;
pub mod traffic_filter;
pub mod watching;
