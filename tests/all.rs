//! All integration tests in one binary.
#![allow(clippy::unwrap_used)]

#[path = "all/vectors.rs"]
mod vectors;
