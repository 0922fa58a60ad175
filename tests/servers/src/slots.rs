//! Replication slots as a server keeps them on disk.

use std::collections::BTreeMap;
use std::sync::Mutex;

use anyhow::{Result, ensure};

use crate::files::Bytes;
use crate::server::Server;

/// The file `pg_replslot/NAME/state` of a slot that a server of that major has made.
pub fn state(major: u16, name: &str, is_logical: bool) -> Result<Bytes> {
    static MADE: Mutex<BTreeMap<(u16, String, bool), Bytes>> = Mutex::new(BTreeMap::new());
    let key = (major, name.to_string(), is_logical);
    let mut made = MADE.lock().expect("nobody panics while making a slot");
    if let Some(known) = made.get(&key) {
        return Ok(known.clone());
    }
    let server = Server::start_set(major, &["wal_level=logical".to_string()])?;
    let answer = server.query(&match is_logical {
        true => format!("select pg_create_logical_replication_slot('{name}', 'pgoutput')"),
        false => format!("select pg_create_physical_replication_slot('{name}')"),
    })?;
    ensure!(answer.error.is_none(), "making a slot on {major}: {:?}", answer.error);
    let state = std::fs::read(server.data().join("pg_replslot").join(name).join("state"))?;
    made.insert(key, state.clone());
    Ok(state)
}
