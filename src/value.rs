//! What values mean to a server.

pub mod grammar;
pub mod refusal;
