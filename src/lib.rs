<<<<<<< HEAD
//! Rollcall finds Avocent and Vertiv appliances on every network of the laptop.

pub mod engine;
pub mod inventory;
pub mod model;
pub mod settings;
=======
//! x

>>>>>>> wire
pub mod wire;
