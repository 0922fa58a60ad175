//! Values as the server reads them.

mod refusal;

pub use refusal::{Read, Refusal};
