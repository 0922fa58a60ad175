//! "Unreachable" is never wrong, and nothing that is unreachable is missed: every connection of a small universe is
//! held against every line of generated files.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use pgconflint::catalog::access::Transport;
use pgconflint::model::hba::cover::coverage;
use pgconflint::model::hba::matching::{Connection, Own, Wanted, is_named};
use pgconflint::model::hba::{self, Build, Hba, Surroundings};
use pgconflint::source::Sources;
use pgconflint::version::Major;
use proptest::prelude::*;

use crate::vectors::Memory;

pub fn read(text: &str, major: Major) -> Hba {
    let files = Memory(BTreeMap::from([(b"pg_hba.conf".to_vec(), text.as_bytes().to_vec())]));
    let around =
        Surroundings { major, build: Build::PACKAGES, setting: &|_| None, resolve: &|_| None, interface: &|_| true };
    hba::read(&files, &mut Sources::default(), Path::new("$PGDATA/pg_hba.conf"), &around)
}

const DATABASES: [&str; 9] =
    ["all", "a", "db1", "sameuser", "samerole", "replication", "db1,replication", "all,replication", "\"all\""];
const USERS: [&str; 7] = ["all", "a", "b", "a,b", "+a", "+g", "\"a\""];
const ADDRESSES: [&str; 20] = [
    "all",
    "samehost",
    "samenet",
    "h.x",
    ".x",
    "H.X",
    "0.0.0.0/0",
    "::/0",
    "0.0.0.0/1",
    "128.0.0.0/1",
    "10.0.0.0/29",
    "10.0.0.0/30",
    "10.0.0.4/30",
    "10.0.0.3/31",
    "10.0.0.1/32",
    "10.0.0.0 255.255.255.249",
    "10.0.0.2 255.255.255.250",
    "::1/128",
    "::/1",
    "8000::/1",
];
const TYPES: [&str; 6] = ["host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc", "local"];

fn line() -> impl Strategy<Value = String> {
    let word = |words: &'static [&'static str]| proptest::sample::select(words.to_vec());
    (word(&TYPES), word(&DATABASES), word(&USERS), word(&ADDRESSES)).prop_map(|(kind, database, user, address)| {
        let address = if kind == "local" { "" } else { address };
        format!("{kind} {database} {user} {address} trust\n")
    })
}

/// What files do not say, said.
#[derive(Clone, Debug)]
struct World {
    roles: Vec<&'static str>,
    name: &'static str,
    is_host: bool,
    is_net: bool,
}

#[derive(Clone, Debug)]
struct Visit {
    transport: Transport,
    address: Option<IpAddr>,
    user: &'static str,
    wanted: Wanted,
    world: World,
}

/// A user that exists is in its own role; one that does not is in none.
fn worlds_of_roles(user: &'static str) -> Vec<Vec<&'static str>> {
    let others: Vec<&'static str> = ["a", "g", "db1", "zz"].into_iter().filter(|role| *role != user).collect();
    let mut all = vec![Vec::new()];
    for choice in 0..1_usize << others.len() {
        let mut roles = vec![user];
        roles.extend(others.iter().enumerate().filter(|(index, _)| choice >> index & 1 == 1).map(|(_, role)| *role));
        all.push(roles);
    }
    all
}

/// Every connection of the universe: `zz` and `200.0.0.1` stand for what no file mentions.
fn universe() -> Vec<Visit> {
    let addresses = [
        "10.0.0.0",
        "10.0.0.1",
        "10.0.0.2",
        "10.0.0.3",
        "10.0.0.4",
        "10.0.0.5",
        "10.0.0.6",
        "10.0.0.7",
        "11.0.0.1",
        "200.0.0.1",
        "::1",
        "::2",
        "9000::1",
    ];
    let mut places: Vec<(Transport, Option<IpAddr>, &str, bool, bool)> =
        vec![(Transport::Local, None, "", false, false)];
    for transport in [Transport::Plain, Transport::Ssl, Transport::Gss] {
        for address in addresses {
            for name in ["", "h.x", "k.x"] {
                for (is_host, is_net) in [(false, false), (false, true), (true, true)] {
                    places.push((transport, Some(address.parse().expect("an address")), name, is_host, is_net));
                }
            }
        }
    }
    let mut all = Vec::new();
    for user in ["a", "b", "zz"] {
        let mut wanted: Vec<Wanted> = vec![Wanted::Replication];
        wanted.extend(["a", "db1", "zz", "all", "b"].map(|name| Wanted::Database(name.as_bytes().to_vec())));
        for wanted in wanted {
            for roles in worlds_of_roles(user) {
                for (transport, address, name, is_host, is_net) in &places {
                    let world = World { roles: roles.clone(), name, is_host: *is_host, is_net: *is_net };
                    all.push(Visit { transport: *transport, address: *address, user, wanted: wanted.clone(), world });
                }
            }
        }
    }
    all
}

/// The line on which a visit ends, everything known.
fn landing(hba: &Hba, visit: &Visit, major: Major) -> Option<usize> {
    let member = |user: &[u8], role: &[u8]| {
        Some(user == visit.user.as_bytes() && visit.world.roles.iter().any(|own| own.as_bytes() == role))
    };
    let named = |pattern: &[u8]| Some(is_named(pattern, visit.world.name.as_bytes()));
    let own = |own: Own| Some(if own == Own::Host { visit.world.is_host } else { visit.world.is_net });
    let connection = Connection {
        transport: visit.transport,
        address: visit.address,
        user: visit.user.as_bytes(),
        wanted: visit.wanted.clone(),
        member: &member,
        named: &named,
        own: &own,
    };
    let decision = hba.decide(&connection, major);
    assert!(decision.perhaps.is_empty(), "everything is known");
    decision.line
}

/// The covered lines by arithmetic, and those on which no visit lands.
fn both(text: &str, visits: &[Visit]) -> (Vec<usize>, Vec<usize>) {
    let hba = read(text, Major::V16);
    let covered = coverage(&hba, Major::V16);
    let mut reached = vec![false; hba.lines.len()];
    for visit in visits {
        if let Some(line) = landing(&hba, visit, Major::V16) {
            reached[line] = true;
        }
    }
    for one in &covered.covered {
        assert!(one.by.iter().all(|by| *by < one.line) && !one.by.is_empty(), "{text}{one:?}");
    }
    let unreached = (0..reached.len()).filter(|line| !reached[*line]).collect();
    (covered.covered.into_iter().map(|covered| covered.line).collect(), unreached)
}

#[test]
fn what_is_called_unreachable_is_just_what_no_connection_reaches() {
    let visits = universe();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: std::env::var("PGCONFLINT_COVER_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let file = proptest::collection::vec(line(), 1..9).prop_map(|lines| lines.concat());
    runner
        .run(&file, |text| {
            let (covered, unreached) = both(&text, &visits);
            prop_assert_eq!(covered, unreached, "{}", text);
            Ok(())
        })
        .expect("arithmetic and enumeration agree");
}

#[test]
fn several_lines_may_cover_one() {
    let covered = |text: &str| {
        let found = coverage(&read(text, Major::V16), Major::V16);
        found.covered.into_iter().map(|one| (one.line, one.by)).collect::<Vec<_>>()
    };
    let halves = "host all all 10.0.0.0/9 md5\nhost all all 10.128.0.0/9 md5\nhost all bob 10.0.0.0/8 trust\n";
    assert_eq!(covered(halves), [(2, vec![0, 1])]);
    // `all` is not for replication.
    assert_eq!(covered("host all all all md5\nhost replication all all md5\n"), []);
    assert_eq!(covered("host all all all md5\nhost all,replication r 10.0.0.0/8 md5\n"), []);
    // What is encrypted by GSSAPI is not encrypted by TLS.
    let two = "hostssl all all all md5\nhostnossl all all all md5\nhost all all all md5\n";
    assert_eq!(covered(two), [(2, vec![0, 1])]);
    let three =
        "hostssl all all all md5\nhostgssenc all all all md5\nhostnossl all all all md5\nhost all all all md5\n";
    assert_eq!(covered(three), [(3, vec![0, 1, 2])]);
    assert_eq!(covered("host all /b all md5\nhost all bob all md5\n"), [(1, vec![0])]);
    assert_eq!(covered("host all \"/^(a|b)$\" all md5\nhost all a,b all md5\n"), [(1, vec![0])]);
    assert_eq!(covered("host all /^a all md5\nhost all /^ab all md5\n"), []);
}

proptest! {
    #[test]
    fn nobody_lands_on_a_line_called_unreachable(
        text in proptest::collection::vec(line(), 1..30).prop_map(|lines| lines.concat()),
        seed in proptest::collection::vec((any::<u32>(), 0..6_usize, 0..3_usize, 0..4_usize), 40),
    ) {
        let hba = read(&text, Major::V16);
        let covered: Vec<usize> =
            coverage(&hba, Major::V16).covered.into_iter().map(|covered| covered.line).collect();
        for (address, wanted, user, transport) in seed {
            let user = ["a", "b", "other"][user];
            let wanted = match wanted {
                0 => Wanted::Replication,
                1 => Wanted::Logical(b"db1".to_vec()),
                other => Wanted::Database(["a", "b", "db1", "all", "x"][other - 1].as_bytes().to_vec()),
            };
            let address = if address % 3 == 0 { 0x0a00_0000 | address >> 3 & 15 } else { address };
            let transport = Transport::ALL[transport];
            let visit = Visit {
                transport,
                address: (transport != Transport::Local).then(|| std::net::Ipv4Addr::from_bits(address).into()),
                user,
                wanted,
                world: World { roles: vec![user, "g"], name: "h.x", is_host: false, is_net: true },
            };
            if let Some(line) = landing(&hba, &visit, Major::V16) {
                prop_assert!(!covered.contains(&line), "line {} of\n{}", line, text);
            }
        }
    }
}
