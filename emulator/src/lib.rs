//! An Azure IoT Hub on one's own machine, for tests and development.

mod clock;
mod errors;
pub mod query;
mod state;
mod store;
