//! Real connections: which line of a pg_hba.conf decides over a client, asked of a server and of pgconflint.
//!
//! Each line of a file has another method, and each method shows itself in the server's first answer.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::BytesMut;
use fastrand::Rng;
use pgconflint::catalog::access::Transport;
use pgconflint::cli;
use pgconflint::files::Changes;
use pgconflint::model::hba::matching::{Connection, Wanted, usual};
use pgconflint::model::hba::{self, Surroundings};
use pgconflint::run::{self, World};
use pgconflint::source::Sources;
use pgconflint::version::{Major, Targets};
use postgres_protocol::message::frontend;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::access::{HBA, build};
use crate::libpq::Libpq;
use crate::opinion::{DATA, Lying};
use crate::server::Server;
use crate::{FileSet, template};

/// A client at a server's door.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Its address; none for the Unix socket.
    pub address: Option<IpAddr>,
    /// Who it says it is.
    pub user: &'static str,
    /// The database it asks for.
    pub database: &'static str,
    /// `true` for physical replication, `database` for logical, empty for neither.
    pub replication: &'static str,
}

/// A pg_hba.conf and clients to try it on.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file.
    pub text: String,
    /// The clients.
    pub visits: Vec<Visit>,
    /// Standbys that come from the server's own machine over TLS: address and user.
    pub standbys: Vec<(IpAddr, &'static str)>,
}

/// Methods that are told apart by the server's first answer.
const METHODS: [&str; 5] = ["trust", "reject", "password", "md5", "scram-sha-256"];
const TYPES: [&str; 8] = ["local", "local", "host", "host", "host", "hostssl", "hostnossl", "hostnogssenc"];
const DATABASES: [&str; 14] = [
    "all",
    "all",
    "db1",
    "db1,replication",
    "replication",
    "sameuser",
    "samerole",
    "\"all\"",
    "\"replication\"",
    "u1",
    "DB1",
    "samegroup",
    "all,replication",
    "postgres",
];
const REGEX_DATABASES: [&str; 4] = ["/^db[0-9]$", "/1$", "\"/^(u|g)1$\"", "/"];
const USERS: [&str; 12] =
    ["all", "all", "u1", "u1,u2", "+g1", "\"+g1\"", "u3", "postgres", "+g2", "U1", "nobody", "\"all\""];
const REGEX_USERS: [&str; 4] = ["/^u", "/[12]$", "/post(gres)?", "\"/^u.,?$\""];
const ADDRESSES: [&str; 18] = [
    "127.0.0.0/8",
    "127.0.0.1/32",
    "127.1.0.0/16",
    "127.1.2.0/24",
    "127.1.2.3/32",
    "127.1.2.3/24",
    "all",
    "samehost",
    "samenet",
    "0.0.0.0/0",
    "::1/128",
    "::/0",
    "127.0.0.0 255.0.0.255",
    "127.0.2.1 255.0.255.0",
    "128.0.0.0/1",
    "0.0.0.0/1",
    "::ffff:127.0.0.1/128",
    "10.0.0.0/8",
];

/// Makes the case of this seed and number.
pub fn case(seed: u64, number: u64, major: u16) -> Case {
    let mut rng = Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03));
    let rng = &mut rng;
    let mut methods = METHODS;
    rng.shuffle(&mut methods);
    let mut text = String::new();
    for method in methods.iter().take(2 + rng.usize(..4)) {
        let mut kind = TYPES[rng.usize(..TYPES.len())];
        if kind == "hostnogssenc" && major < 12 {
            kind = "host";
        }
        let regex = major >= 16 && rng.u8(..4) == 0;
        let database = if regex { REGEX_DATABASES[rng.usize(..4)] } else { DATABASES[rng.usize(..DATABASES.len())] };
        let regex = major >= 16 && rng.u8(..4) == 0;
        let user = if regex { REGEX_USERS[rng.usize(..4)] } else { USERS[rng.usize(..USERS.len())] };
        let address = if kind == "local" { "" } else { ADDRESSES[rng.usize(..ADDRESSES.len())] };
        text.push_str(&format!("{kind} {database} {user} {address} {method}\n"));
    }
    let visits = (0..12).map(|_| visit(rng)).collect();
    let standbys = (0..2).map(|_| {
        let address: IpAddr = if rng.bool() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        (address, ["u1", "u3", "postgres", "su"][rng.usize(..4)])
    });
    let standbys = standbys.collect();
    Case { text, visits, standbys }
}

fn visit(rng: &mut Rng) -> Visit {
    let address = match rng.u8(..10) {
        0..=2 => None,
        3 => Some("::1".parse().expect("an address")),
        4 => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        5 => Some(IpAddr::V4(Ipv4Addr::new(127, 1, 2, 3))),
        6 => Some(IpAddr::V4(Ipv4Addr::new(127, 1, 2, rng.u8(1..255)))),
        7 => Some(IpAddr::V4(Ipv4Addr::new(127, 1, rng.u8(..), rng.u8(1..255)))),
        _ => Some(IpAddr::V4(Ipv4Addr::new(127, rng.u8(..), rng.u8(..), rng.u8(1..255)))),
    };
    let user = ["u1", "u2", "u3", "postgres", "su", "g1", "nobody", "U1"][rng.usize(..8)];
    let database = ["db1", "u1", "g1", "postgres", "all", "replication", "DB1", "g2"][rng.usize(..8)];
    let replication = ["", "", "", "true", "database"][rng.usize(..5)];
    Visit { address, user, database, replication }
}

/// Who is in which role: `u1` in g1, `u3` in g2, `g2` in g1. `su` is a superuser, which is a member of nothing by that.
fn member(user: &[u8], role: &[u8]) -> Option<bool> {
    let exists = [&b"u1"[..], b"u2", b"u3", b"su", b"g1", b"g2", b"postgres"].contains(&user);
    let yes = match (user, role) {
        _ if user == role => true,
        (b"u1" | b"u3" | b"g2", b"g1") | (b"u3", b"g2") => true,
        _ => false,
    };
    Some(exists && yes)
}

/// Makes the roles and databases of the cases.
pub fn furnish(server: &Server) -> Result<()> {
    for sql in [
        "create role g1",
        "create role g2 in role g1",
        "create role u1 login in role g1",
        "create role u2 login",
        "create role u3 login in role g2",
        "create role su login superuser",
        "create database db1",
        "create database u1",
    ] {
        let answer = server.query(sql)?;
        if let Some(error) = answer.error {
            bail!("{sql}: {}", String::from_utf8_lossy(&error.message));
        }
    }
    Ok(())
}

/// Tries every client of a case on both sides; what differs, one text each.
pub fn compare(server: &Server, case: &Case) -> Result<Vec<String>> {
    reload(server, &case.text)?;
    let major = Major(server.major * 100);
    let files = FileSet::default().with(HBA, case.text.as_bytes());
    let around = Surroundings {
        major,
        build: build(server.major),
        setting: &|name| Some(if name == "ssl" { b"on".to_vec() } else { Vec::new() }),
        resolve: &|_| None,
        interface: &|_| true,
    };
    let hba = hba::read(&Lying(&files), &mut Sources::default(), &PathBuf::from(DATA).join(HBA), &around);
    let directory = template::scratch()?;
    std::fs::write(directory.path().join(HBA), &case.text)?;
    let mut different = Vec::new();
    for visit in &case.visits {
        let theirs = knock(server, visit).with_context(|| format!("{visit:?}"))?;
        let address = visit.address;
        let own = address.map(usual);
        let database = visit.database.as_bytes().to_vec();
        let connection = Connection {
            transport: if address.is_some() { Transport::Plain } else { Transport::Local },
            address,
            user: visit.user.as_bytes(),
            wanted: match visit.replication {
                "true" => Wanted::Replication,
                "database" => Wanted::Logical(database),
                _ => Wanted::Database(database),
            },
            member: &member,
            named: &|_| None,
            own: &|asked| own.as_ref().and_then(|own| own(asked)),
        };
        let decision = hba.decide(&connection, major);
        let ours = decision
            .line
            .map_or("no-entry", |line| hba.lines[line].verdict.as_ref().map_or("refused", |entry| entry.method.name));
        if ours != theirs.method {
            different.push(format!("{visit:?}: the server {theirs:?}, we {ours}"));
        }
        different.extend(by_command(directory.path(), major, visit, &theirs)?);
    }
    let libpq = Libpq::load(server.major)?;
    for (address, user) in &case.standbys {
        let own = usual(*address);
        let connection = Connection {
            transport: Transport::Ssl,
            address: Some(*address),
            user: user.as_bytes(),
            wanted: Wanted::Replication,
            member: &member,
            named: &|_| None,
            own: &own,
        };
        let decision = hba.decide(&connection, major);
        let ours = decision.line.map_or("no-entry", |line| match &hba.lines[line].verdict {
            Ok(entry) if matches!(entry.method.name, "trust" | "reject") => entry.method.name,
            _ => "a password",
        });
        let string = format!("host={address} port={} user={user} sslmode=require passfile=/nonexistent", server.port);
        let theirs = stream(&libpq, &string);
        if ours != theirs.0 {
            different.push(format!("a standby over TLS, {address} {user}: the server {theirs:?}, we {ours}"));
        }
    }
    Ok(different)
}

/// What a standby's connection comes to, by the library of the server's own major.
fn stream(libpq: &Libpq, string: &str) -> (&'static str, String) {
    let message = match libpq.connect(string.as_bytes()) {
        Ok(message) => String::from_utf8_lossy(&message).into_owned(),
        // It comes to a connection.
        Err(error) => return ("trust", error.to_string()),
    };
    let answer = match () {
        () if message.contains("no pg_hba.conf entry for") => "no-entry",
        () if message.contains("pg_hba.conf rejects") => "reject",
        () if message.contains("no password supplied") => "a password",
        // Past the door it is told that its role does not do.
        () if message.contains("FATAL:") => "trust",
        () => "no answer",
    };
    (answer, message)
}

/// What `pgconflint hba` says, held against the server where no role but the user's own is asked about.
fn by_command(directory: &Path, major: Major, visit: &Visit, theirs: &Answer) -> Result<Option<String>> {
    let options = cli::Hba {
        path: directory.to_path_buf(),
        user: visit.user.to_string(),
        database: if visit.replication == "true" { "replication".to_string() } else { visit.database.to_string() },
        logical: visit.replication == "database",
        address: visit.address,
        ssl: false,
        gss: false,
        target: cli::Target { pg: major.to_string().parse::<Targets>().ok(), isolated: true, ..cli::Target::default() },
        json: true,
    };
    if visit.database == "replication" && visit.replication.is_empty() {
        // On the command line the word stands for physical replication.
        return Ok(None);
    }
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut world = World {
        directory: PathBuf::from("/"),
        stdin: &mut std::io::empty(),
        out: &mut out,
        err: &mut err,
        color: false,
        links: false,
        width: 80,
        interactive: false,
        changes: Changes { before: &|_, _| Ok(()) },
        checkouts: pgconflint::run::Checkouts::default(),
    };
    let options = cli::Options { task: cli::Task::Hba(options), color: None, show_secrets: false };
    run::run(options, &mut world);
    let text = String::from_utf8_lossy(&out);
    let said: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{text}{}", String::from_utf8_lossy(&err)))?;
    if said["depends"].as_array().is_some_and(|depends| !depends.is_empty()) {
        return Ok(None);
    }
    let verdict = match theirs.method {
        "reject" => "reject",
        "no-entry" => "no-entry",
        _ => "allow",
    };
    let method = said["match"]["method"].as_str();
    let because = said["because"].as_str().unwrap_or_default();
    let same = said["verdict"] == verdict
        && (method.is_none() || method == Some(theirs.method))
        && because.ends_with(&theirs.message);
    Ok((!same).then(|| format!("{visit:?}: the server {theirs:?}, the command {said}")))
}

/// A server's first answer to a client.
#[derive(Debug)]
struct Answer {
    /// The method of the line that decided, or `no-entry`.
    method: &'static str,
    /// The error, if it is one.
    message: String,
}

/// Lets a server take a file, and waits until it has.
fn reload(server: &Server, text: &str) -> Result<()> {
    let data = server.data();
    std::fs::write(data.join(HBA), text)?;
    let log = data.parent().unwrap_or(data).join("log");
    let length = usize::try_from(std::fs::metadata(&log)?.len())?;
    server.query("select pg_reload_conf()")?;
    let before = Instant::now();
    loop {
        let all = std::fs::read(&log)?;
        let new = String::from_utf8_lossy(&all[length..]);
        if new.contains("was not reloaded") {
            bail!("the server refuses the file: {new}");
        }
        // It takes no connection while it reads its files.
        if new.contains("received SIGHUP") {
            return Ok(());
        }
        if before.elapsed() > Duration::from_secs(20) {
            bail!("the server does not reload");
        }
        std::thread::sleep(Duration::from_micros(300));
    }
}

fn knock(server: &Server, visit: &Visit) -> Result<Answer> {
    let mut parameters = vec![("user", visit.user), ("database", visit.database)];
    if !visit.replication.is_empty() {
        parameters.push(("replication", visit.replication));
    }
    let mut message = BytesMut::new();
    frontend::startup_message(parameters, &mut message)?;
    match visit.address {
        None => {
            let directory = server.data().parent().unwrap_or(server.data());
            let stream = UnixStream::connect(directory.join(format!(".s.PGSQL.{}", server.port)))?;
            ask(stream, &message)
        }
        Some(address) => ask(connect(address, server.port)?, &message),
    }
}

/// A connection to the server's loopback address from one of the client's own.
fn connect(from: IpAddr, port: u16) -> Result<std::net::TcpStream> {
    let (family, to): (_, IpAddr) = match from {
        IpAddr::V4(_) => (AddressFamily::INET, Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(_) => (AddressFamily::INET6, Ipv6Addr::LOCALHOST.into()),
    };
    let socket = rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    rustix::net::bind(&socket, &SocketAddr::new(from, 0))?;
    rustix::net::connect(&socket, &SocketAddr::new(to, port))?;
    Ok(socket.into())
}

fn ask(mut stream: impl Read + Write, startup: &[u8]) -> Result<Answer> {
    stream.write_all(startup)?;
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let mut body = vec![0; usize::try_from(length)?.saturating_sub(4)];
    stream.read_exact(&mut body)?;
    let method = match (head[0], body.as_slice()) {
        (b'R', [0, 0, 0, 0]) => "trust",
        (b'R', [0, 0, 0, 3]) => "password",
        (b'R', [0, 0, 0, 5, ..]) => "md5",
        (b'R', [0, 0, 0, 10, ..]) => "scram-sha-256",
        (b'E', _) => return refusal(&body),
        (kind, _) => bail!("the server answers {kind} {body:?}"),
    };
    Ok(Answer { method, message: String::new() })
}

fn refusal(body: &[u8]) -> Result<Answer> {
    let mut fields = body.split(|byte| *byte == 0);
    let message = fields.find_map(|field| field.strip_prefix(b"M")).unwrap_or_default();
    let message = String::from_utf8_lossy(message).into_owned();
    let method = match () {
        () if message.starts_with("no pg_hba.conf entry for") => "no-entry",
        () if message.starts_with("pg_hba.conf rejects") => "reject",
        () => bail!("the server says: {message}"),
    };
    Ok(Answer { method, message })
}
