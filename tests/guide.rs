//! The guide to the runtime, so that its examples are compiled.
#![doc = include_str!("../docs/runtime.md")]
