//! What a server would believe.

pub mod access;
pub mod auto_conf;
pub mod conninfo;
pub mod control;
pub mod effective;
pub mod hba;
pub mod hosts;
pub mod ident;
pub mod pair;
pub mod path;
pub mod recovery;
pub mod settings;
pub mod transcript;
pub mod tree;
