//! The guides to the runtime and to servers, so that their examples are compiled; and the project's own README.
#![doc = include_str!("../docs/runtime.md")]

/// The guide to servers.
#[doc = include_str!("../docs/server.md")]
pub mod server {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
