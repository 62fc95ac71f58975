//! A simulated fleet that speaks AIDP, and SNMP, over real sockets: for the demo, for rehearsals and for tests.
//!
//! [`FleetPlan`] says which units there are, the same ones for the same seed; [`Fleet`] answers for
//! all of them from one socket per port. A small fleet can also be asked by SNMP what its units are:
//! [`Fleet::open_snmp`]. What must not live here: anything that knows of the engine, so that a datagram
//! of the fleet takes the same way as one of a real unit.
//!
//! Nothing depends on addresses other than 127.0.0.1 on loopback: macOS has no others, and units are
//! told apart by what they claim.

mod dice;
mod fleet;
mod plan;
mod schedule;
mod snmp;
mod socket;
mod unit;

pub use fleet::{Fleet, MAX_UNITS, SimError};
pub use plan::{DEMO_UNITS, FleetPlan, FleetStyle};
pub use snmp::{Agent, MAX_AGENTS};
pub use socket::{Placement, SimInterface};
pub use unit::{Behavior, SimUnit};
