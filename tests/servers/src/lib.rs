//! Real PostgreSQL servers to ask what they make of a configuration file.
//!
//! ```text
//! servers.lock ─install→ bin, lib, share ─template→ a data directory, copied for each
//!   server   one idle server per major; questions to its views
//!   start    what `postgres -C` and a whole start say of files; earlier: what the data went through before
//!   reload   a running server and another revision of its files
//!   record   rules/catalog/NN.tsv        prove  does the server refuse this?
//!   vectors  recorded answers replayed   agree  pgconflint against the servers
//!   recovery recovery.conf, 10 and 11
//!   pair     a primary and its standbys, played
//!   migration what is migrated from 11, started on what it is migrated to
//!   crash    migrations ended at every system call, and what servers make of what is left
//!   libpq    what each client library makes of a connection string
//! ```

pub mod access;
pub mod access_cases;
pub mod agree;
pub mod conninfo;
pub mod crash;
pub mod doors;
pub mod earlier;
pub mod files;
pub mod generate;
pub mod hba;
pub mod install;
pub mod json;
pub mod libpq;
pub mod migration;
pub mod mutate;
pub mod opinion;
pub mod pair;
pub mod probe;
pub mod prove;
pub mod record;
pub mod recovery;
pub mod reload;
pub mod server;
pub mod shown;
pub mod slots;
pub mod start;
pub mod template;
pub mod user;
pub mod values;
pub mod vectors;
pub mod view;
pub mod wire;

pub use files::{Bytes, FileSet};
pub use server::{Server, start_all};
pub use start::{Outcome, standby_start, start_check, whole_start, whole_start_on};
pub use view::{Message, Row, View};
