//! What a server would believe.

pub mod auto_conf;
pub mod path;
pub mod recovery;
pub mod settings;
pub mod transcript;
pub mod tree;
