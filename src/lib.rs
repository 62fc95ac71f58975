//! Rollcall finds Avocent and Vertiv appliances on every network of the laptop.

pub mod app;
pub mod engine;
pub mod inventory;
pub mod logging;
pub mod model;
pub mod settings;
pub mod wire;
