//! What a PostgreSQL server will do with its configuration, said from files alone.

pub mod catalog;
pub mod check;
pub mod cli;
pub mod config;
pub mod edit;
pub mod files;
pub mod finding;
pub mod migrate;
pub mod model;
pub mod names;
pub mod nearest;
pub mod report;
pub mod rule;
pub mod run;
pub mod server;
pub mod source;
pub mod suppress;
pub mod syntax;
pub mod table;
pub mod value;
pub mod version;
