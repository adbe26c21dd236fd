//! Tests from outside: the generator through its library, and the code that it writes through the compiler.

// Clippy lets tests unwrap, but not what they share.
#![allow(clippy::unwrap_used)]

mod answers;
mod authentication;
mod corpus;
mod diagnostics;
mod documents;
mod features;
mod hostile;
mod malformed;
mod observability;
mod package;
mod requests;
mod round_trips;
mod scratch;
mod service;
mod specs;
mod validation;
