//! One binary for all integration tests.

#[path = "all/cli.rs"]
mod cli;
#[path = "all/order.rs"]
mod order;
