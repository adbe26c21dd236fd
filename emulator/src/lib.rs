//! An Azure IoT Hub on one's own machine, for tests and development.
//!
//! [`Emulator::builder`] starts one, on a port of its own or within the process, and the [`Emulator`] it gives looks
//! inside: at the events that devices sent, at messages and methods on their way to devices, at time and at what goes wrong.
//!
//! ```
//! use iothub_emulator::Emulator;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = Emulator::builder().start().await?;
//! let hub = iothub::hub::Client::from_connection_string(&emulator.connection_string())?;
//! # let _ = hub;
//! emulator.stop().await;
//! # Ok(()) }
//! ```
//!
//! The same is a program, `iothub-emulator`; `iothub-emulator --help` tells what it takes.

mod admin;
mod app;
mod blobs;
mod builder;
mod clock;
mod config;
mod emulator;
mod errors;
mod fault;
mod faults;
mod gateway;
mod handle;
mod io_clock;
mod listen;
mod outside;
mod profile;
pub mod query;
mod random;
mod services;
mod setup;
mod state;
mod store;
mod tls;
mod transport;

pub use app::{App, ConnectionCut};
pub use builder::{Builder, StartError};
pub use emulator::Emulator;
pub use faults::{Cut, Fault};
pub use handle::{HubHandle, InjectedFault};
pub use outside::{Ack, Event, Message, MethodAnswer, MethodCall};
pub use profile::Profile;
