//! What a server would believe.

pub mod auto_conf;
pub mod conninfo;
pub mod path;
pub mod settings;
pub mod transcript;
pub mod tree;
