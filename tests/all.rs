//! One binary for all integration tests.

// Tests stand outside of the core: the disk is theirs.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "all/access.rs"]
mod access;
#[path = "all/auto_conf.rs"]
mod auto_conf;
#[path = "all/book.rs"]
mod book;
#[path = "all/cli.rs"]
mod cli;
#[path = "all/conninfo.rs"]
mod conninfo;
#[path = "all/control.rs"]
mod control;
#[path = "all/corpus_pairs.rs"]
mod corpus_pairs;
#[path = "all/cover.rs"]
mod cover;
#[path = "all/crash.rs"]
mod crash;
#[path = "all/defaults.rs"]
mod defaults;
#[path = "all/docs.rs"]
mod docs;
#[path = "all/guide_pairs.rs"]
mod guide_pairs;
#[path = "all/guides.rs"]
mod guides;
#[path = "all/hostile.rs"]
mod hostile;
#[path = "all/in_place.rs"]
mod in_place;
#[path = "all/migrate.rs"]
mod migrate;
#[path = "all/migrate_corpus.rs"]
mod migrate_corpus;
#[path = "all/migrate_disk.rs"]
mod migrate_disk;
#[path = "all/migrate_traps.rs"]
mod migrate_traps;
#[path = "all/migrated_auto_conf.rs"]
mod migrated_auto_conf;
#[path = "all/migrations.rs"]
mod migrations;
#[path = "all/natives.rs"]
mod natives;
#[path = "all/noise.rs"]
mod noise;
#[path = "all/order.rs"]
mod order;
#[path = "all/packages.rs"]
mod packages;
#[path = "all/pairs.rs"]
mod pairs;
#[path = "all/picture.rs"]
mod picture;
#[path = "all/project.rs"]
mod project;
#[path = "all/proof.rs"]
mod proof;
#[path = "all/recovery.rs"]
mod recovery;
#[path = "all/reload.rs"]
mod reload;
#[path = "all/reports.rs"]
mod reports;
#[path = "all/rules.rs"]
mod rules;
#[path = "all/safe.rs"]
mod safe;
#[path = "all/schema.rs"]
mod schema;
#[path = "all/server.rs"]
mod server;
#[path = "all/session.rs"]
mod session;
#[path = "all/shown.rs"]
mod shown;
#[path = "all/starts.rs"]
mod starts;
#[path = "all/told.rs"]
mod told;
#[path = "all/vectors.rs"]
mod vectors;
