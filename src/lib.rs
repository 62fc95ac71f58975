//! placeholder

pub mod app;
pub mod engine;
pub mod inventory;
pub mod logging;
pub mod model;
pub mod settings;
pub mod sim;
pub mod wire;
