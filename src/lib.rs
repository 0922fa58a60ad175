//! What a PostgreSQL server will do with its configuration, said from files alone.

pub mod finding;
pub mod source;
pub mod value;
pub mod version;
