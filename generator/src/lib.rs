//! Generates Rust API crates from OpenAPI documents.
//!
//! [`Builder`] is all there is to it, in build scripts and elsewhere; the command-line tool `specsmith` is a thin layer
//! over it. The documents are Swagger 2.0, in JSON or YAML, and what they get wrong is put right by OpenAPI Overlays.
//! Generated code stands on the crate `specsmith-runtime`.
//!
//! # Features
//!
//! - `cli` (default): the command-line tool. Build scripts do without: `default-features = false`.
#![deny(missing_docs)]

mod builder;
pub mod diag;
mod emit;
mod inspect;
mod ir;
mod lower;
mod manifest;
mod naming;
mod overlay;
mod parallel;
mod pipeline;
mod render;
mod resolve;
mod sink;
mod source;
mod spec;
mod visible;

pub use self::builder::{Builder, Difference, Failure, Inspection, Messages, Summary};
