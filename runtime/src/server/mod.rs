//! Serving what an interface document describes.

#[cfg_attr(not(test), expect(dead_code, reason = "the router, which finds endpoints, is not there yet"))]
mod matcher;
mod route;

pub use route::{BodyKind, Route};
