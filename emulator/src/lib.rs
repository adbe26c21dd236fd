//! An Azure IoT Hub on one's own machine, for tests and development.
//!
//! So far it has the [query language](query) over devices and jobs.

pub mod query;
