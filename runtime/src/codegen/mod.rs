//! What generated code stands on. Not for others: only what is in here may be changed together with the generator.
//!
//! The modules are numbered, since published crates outlive the generator that wrote them: a change that breaks generated code
//! makes a new one beside the old.

pub mod v1;
