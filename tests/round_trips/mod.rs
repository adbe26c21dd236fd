//! Round trips: the generated clients against implementations of the generated traits, in one process. Every operation of the documents,
//! each parameter, each declared status, each declared header.

mod arbitrary;
mod bodies;
mod both;
mod device;
mod flows;
mod hub;
mod management;
mod recorder;
mod table;
mod texts;

use both::{Both, hard};
pub(crate) use both::{router, servers};
pub(crate) use recorder::{REACHED, Recorder};
