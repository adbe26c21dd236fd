//! An Azure IoT Hub on one's own machine, for tests and development.

mod clock;
mod config;
mod errors;
mod profile;
pub mod query;
mod random;
mod services;
mod state;
mod store;
