//! The client against a node that behaves as each test wants, over real connections on the loopback.

// Clippy permits it in test functions by itself, but not in what they share.
#![allow(clippy::unwrap_used)]

mod bank_node;
mod banks;
mod calls;
mod node;
mod streams;
