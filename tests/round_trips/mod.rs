//! Round trips: the generated clients against implementations of the generated traits, in one process. Every operation of the documents,
//! each parameter, each declared status, each declared header.

mod both;
mod device;
mod flows;
mod hub;
mod management;
mod recorder;
mod table;

pub(crate) use both::{Both, hard};
