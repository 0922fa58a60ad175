//! pgconflint

pub mod value;
pub mod version;
