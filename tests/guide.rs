//! The guide to the runtime, so that its examples are compiled; and the project's own README.
#![doc = include_str!("../docs/runtime.md")]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
