//! The few names that the machinery itself must know; every other name stands in `rules/`.

/// Reads another file in place of the line.
pub const INCLUDE: &str = "include";
/// As `include`, but a missing file is no error.
pub const INCLUDE_IF_EXISTS: &str = "include_if_exists";
/// Reads every `*.conf` of a directory.
pub const INCLUDE_DIR: &str = "include_dir";
/// Where the data directory is, and so postgresql.auto.conf.
pub const DATA_DIRECTORY: &str = "data_directory";
/// The main file itself.
pub const CONFIG_FILE: &str = "config_file";
/// Where pg_hba.conf is.
pub const HBA_FILE: &str = "hba_file";
/// Where pg_ident.conf is.
pub const IDENT_FILE: &str = "ident_file";

/// The main configuration file.
pub const POSTGRESQL_CONF: &str = "postgresql.conf";
/// What ALTER SYSTEM writes.
pub const AUTO_CONF: &str = "postgresql.auto.conf";
/// The major version of a data directory.
pub const PG_VERSION: &str = "PG_VERSION";
/// Set by initdb; pg_control knows it.
pub const DATA_CHECKSUMS: &str = "data_checksums";
/// Set by initdb; pg_control knows it.
pub const WAL_SEGMENT_SIZE: &str = "wal_segment_size";
/// A setting that a standby must have as high as its primary, and that pg_control keeps.
pub const MAX_CONNECTIONS: &str = "max_connections";
/// Pages that servers share.
pub const SHARED_BUFFERS: &str = "shared_buffers";
/// See [`MAX_CONNECTIONS`].
pub const MAX_WORKER_PROCESSES: &str = "max_worker_processes";
/// See [`MAX_CONNECTIONS`].
pub const MAX_PREPARED_TRANSACTIONS: &str = "max_prepared_transactions";
/// See [`MAX_CONNECTIONS`].
pub const MAX_LOCKS_PER_TRANSACTION: &str = "max_locks_per_transaction";
/// What a data directory says of itself.
pub const PG_CONTROL: &str = "global/pg_control";
/// There while a server runs.
pub const POSTMASTER_PID: &str = "postmaster.pid";
/// What a base backup leaves for the server that begins with it.
pub const BACKUP_LABEL: &str = "backup_label";
/// One directory for each replication slot.
pub const PG_REPLSLOT: &str = "pg_replslot";
/// One file for each prepared transaction.
pub const PG_TWOPHASE: &str = "pg_twophase";
/// Who may connect.
pub const PG_HBA: &str = "pg_hba.conf";
/// Which system user may be which database user.
pub const PG_IDENT: &str = "pg_ident.conf";
/// Where pg_hosts.conf is.
pub const HOSTS_FILE: &str = "hosts_file";
/// Whether clients get the certificate of the host that they ask for.
pub const SSL_SNI: &str = "ssl_sni";
/// From 19 on: which certificate a client gets that asks for a host.
pub const PG_HOSTS: &str = "pg_hosts.conf";
/// Up to 11 the settings of a standby and of a recovery; from 12 on a server refuses to start beside it.
pub const RECOVERY_CONF: &str = "recovery.conf";

/// Whether a server looks for a file of that name without being told to by an include.
pub fn is_main_file(name: &str) -> bool {
    [POSTGRESQL_CONF, AUTO_CONF, PG_HBA, PG_IDENT, PG_HOSTS, RECOVERY_CONF].contains(&name)
}
/// From 12 on: the server is a standby.
pub const STANDBY_SIGNAL: &str = "standby.signal";
/// From 12 on: the server recovers from an archive.
pub const RECOVERY_SIGNAL: &str = "recovery.signal";
/// What `pg_ctl promote` puts into a data directory, and a starting server takes away.
pub const PROMOTE: &str = "promote";
/// How often a standby reports.
pub const WAL_RECEIVER_STATUS_INTERVAL: &str = "wal_receiver_status_interval";
/// Whether a standby answers queries.
pub const HOT_STANDBY: &str = "hot_standby";
/// The word of pg_hba.conf for connections of standbys and base backups.
pub const REPLICATION: &str = "replication";
/// The word for every user or database.
pub const ALL: &str = "all";
/// The option of pg_hba.conf that names a map of pg_ident.conf.
pub const MAP: &str = "map";
/// The word of pg_hba.conf for a database with the name of the user; up to 8.3 an option of `ident`.
pub const SAME_USER: &str = "sameuser";

/// Keywords of connection strings that have a place of their own in a URI.
pub const USER: &str = "user";
/// See [`USER`].
pub const PASSWORD: &str = "password";
/// See [`USER`].
pub const HOST: &str = "host";
/// See [`USER`].
pub const PORT: &str = "port";
/// See [`USER`].
pub const DBNAME: &str = "dbname";

/// Numeric addresses in place of host names.
pub const HOSTADDR: &str = "hostaddr";
/// Whether a connection sends keepalives.
pub const KEEPALIVES: &str = "keepalives";
/// How much TLS a client wants.
pub const SSLMODE: &str = "sslmode";
/// What a client trusts certificates of a server by.
pub const SSLROOTCERT: &str = "sslrootcert";
/// A client's own certificate.
pub const SSLCERT: &str = "sslcert";
/// The least version of TLS, of a client and of a server.
pub const SSL_MIN_PROTOCOL_VERSION: &str = "ssl_min_protocol_version";
/// The greatest version of TLS, of a client and of a server.
pub const SSL_MAX_PROTOCOL_VERSION: &str = "ssl_max_protocol_version";
/// The methods of authentication that a client puts up with.
pub const REQUIRE_AUTH: &str = "require_auth";
/// Whether authentication must be bound to the TLS connection.
pub const CHANNEL_BINDING: &str = "channel_binding";
/// Which kind of server a client looks for.
pub const TARGET_SESSION_ATTRS: &str = "target_session_attrs";
/// Settings that a client sends along.
pub const OPTIONS: &str = "options";
/// What a client calls itself.
pub const APPLICATION_NAME: &str = "application_name";

/// Addresses that a server listens on; its port is called like that of a connection string.
pub const LISTEN_ADDRESSES: &str = "listen_addresses";
/// Directories of a server's Unix sockets.
pub const UNIX_SOCKET_DIRECTORIES: &str = "unix_socket_directories";
/// How many slots a server can have.
pub const MAX_REPLICATION_SLOTS: &str = "max_replication_slots";
/// How many standbys, base backups and the like a server can feed at once.
pub const MAX_WAL_SENDERS: &str = "max_wal_senders";
/// What a commit waits for.
pub const SYNCHRONOUS_COMMIT: &str = "synchronous_commit";
/// How much goes into the WAL.
pub const WAL_LEVEL: &str = "wal_level";
/// Whether WAL is archived.
pub const ARCHIVE_MODE: &str = "archive_mode";
/// How WAL is archived.
pub const ARCHIVE_COMMAND: &str = "archive_command";
/// Whether a server speaks TLS.
pub const SSL: &str = "ssl";
/// What tells the passphrase of a private key.
pub const SSL_PASSPHRASE_COMMAND: &str = "ssl_passphrase_command";
/// The time zone that timestamps without one are read in.
pub const TIMEZONE: &str = "timezone";
/// A section of libpq's service file, which may say all that a connection string can.
pub const SERVICE: &str = "service";
/// From 12 on the name of a standby that has no other.
pub const CLUSTER_NAME: &str = "cluster_name";
/// The standbys that commits wait for.
pub const SYNCHRONOUS_STANDBY_NAMES: &str = "synchronous_standby_names";
