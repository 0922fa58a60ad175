//! One binary for all integration tests.

// Tests stand outside of the core: the disk is theirs.
#![allow(clippy::disallowed_methods)]

#[path = "all/cli.rs"]
mod cli;
#[path = "all/order.rs"]
mod order;
