//! The emulator from outside: the program, and the library's listener.

// Clippy lets tests unwrap, but not what they share.
#![allow(clippy::unwrap_used)]

mod chaos;
mod durability;
mod etag_table;
mod etags;
mod files;
mod library;
mod limits;
mod listener;
mod machine;
mod program;
mod support;
