//! Bytes to lines of ranges. No byte is lost and no input fails.

pub mod conf;
pub mod conninfo;
pub mod hba;
