//! Where a connection string leads: the hosts that libpq tries one after another, and what it brings along.

use std::net::IpAddr;

use crate::catalog::conninfo::{self as table, Kind};
use crate::model::conninfo::{Options, pieces};
use crate::names;
use crate::version::Major;

/// A place at which libpq knocks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// How it gets there.
    pub way: Way,
    /// TCP port, or part of the name of a socket.
    pub port: u16,
    /// The host as it is written; empty where none is.
    pub written: Vec<u8>,
}

/// How libpq gets to a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Way {
    /// The Unix socket in this directory; nothing for the one that libpq was built with.
    Socket(Option<Vec<u8>>),
    /// TCP to a numeric address.
    Address(IpAddr),
    /// TCP to this machine by its name, over IPv6 or IPv4.
    Localhost,
    /// TCP to a name that only a resolver knows.
    Name,
}

impl Way {
    /// Whether it leads nowhere but to the machine it begins at.
    pub fn is_here(&self) -> bool {
        match self {
            Way::Socket(_) | Way::Localhost => true,
            Way::Address(address) => address.is_loopback(),
            Way::Name => false,
        }
    }
}

/// How much TLS the client wants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Tls {
    /// None.
    Never,
    /// Only where there is no other way.
    Allow,
    /// If the server has it.
    Prefer,
    /// Or no connection.
    Require,
    /// With a certificate that the client trusts, or no connection.
    Verify,
}

/// What a walreceiver sets out with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dial {
    /// One after another; empty where a service file says where.
    pub targets: Vec<Target>,
    /// As whom; nothing for the name of the server's account.
    pub user: Option<Vec<u8>>,
    /// What it wants of encryption.
    pub tls: Tls,
    /// Whether a password is in the string.
    pub has_password: bool,
    /// What it calls itself, if the string says so.
    pub name: Option<Vec<u8>>,
    /// Whether a database is named.
    pub has_database: bool,
}

impl Dial {
    /// What libpq of that major makes of a connection string that it does not refuse.
    pub fn of(options: &Options, major: Major) -> Dial {
        let list = |name: &str| -> Vec<Vec<u8>> {
            options.filled(name).map(|value| pieces(value, major).map(<[u8]>::to_vec).collect()).unwrap_or_default()
        };
        let (hosts, addresses, ports) = (list(names::HOST), list(names::HOSTADDR), list(names::PORT));
        let usual = table::laws(Kind::Default, major).next().and_then(|row| row.values.parse().ok()).unwrap_or(0);
        let number = |text: &Vec<u8>| std::str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok());
        let target = |index: usize| {
            let written = hosts.get(index).cloned().unwrap_or_default();
            let address = addresses.get(index).filter(|address| !address.is_empty());
            let port = if ports.len() == 1 { ports.first() } else { ports.get(index) };
            Target {
                way: address.map_or_else(|| way(&written), |address| way(address)),
                port: port.filter(|port| !port.is_empty()).map_or(Some(usual), number).unwrap_or(usual),
                written: if written.is_empty() { address.cloned().unwrap_or_default() } else { written },
            }
        };
        let is_service = table::laws(Kind::Service, major).any(|row| options.get(row.name).is_some());
        let count = if is_service { 0 } else { hosts.len().max(addresses.len()).max(1) };
        Dial {
            targets: (0..count).map(target).collect(),
            user: options.filled(names::USER).map(<[u8]>::to_vec),
            tls: tls(options),
            has_password: options.filled(names::PASSWORD).is_some(),
            name: options.filled(names::APPLICATION_NAME).map(<[u8]>::to_vec),
            has_database: options.filled(names::DBNAME).is_some(),
        }
    }
}

fn way(host: &[u8]) -> Way {
    if host.is_empty() {
        return Way::Socket(None);
    }
    if host.starts_with(b"/") || host.starts_with(b"@") {
        return Way::Socket(Some(host.to_vec()));
    }
    let text = String::from_utf8_lossy(host).to_ascii_lowercase();
    if text == "localhost" || text.ends_with(".localhost") {
        return Way::Localhost;
    }
    text.parse().map_or(Way::Name, Way::Address)
}

fn tls(options: &Options) -> Tls {
    match options.filled(names::SSLMODE) {
        Some(b"disable") => Tls::Never,
        Some(b"allow") => Tls::Allow,
        Some(b"require") => Tls::Require,
        Some(b"verify-ca" | b"verify-full") => Tls::Verify,
        // The certificates of the system are trusted for verified connections only.
        _ if options.filled(names::SSLROOTCERT) == Some(b"system") => Tls::Verify,
        _ => Tls::Prefer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::conninfo;

    fn dial(text: &str) -> Dial {
        let string = conninfo::parse(text.as_bytes(), Major::V16);
        Dial::of(&Options { conninfo: &string }, Major::V16)
    }

    #[test]
    fn hosts_addresses_and_ports_go_together() {
        let targets = |text: &str| -> Vec<String> {
            dial(text).targets.iter().map(|target| format!("{:?} {}", target.way, target.port)).collect()
        };
        assert_eq!(targets("host=10.0.0.1"), ["Address(10.0.0.1) 5432"]);
        assert_eq!(targets("host=a,LOCALHOST port=1,2"), ["Name 1", "Localhost 2"]);
        assert_eq!(targets("host=a hostaddr=::1 port=6"), ["Address(::1) 6"]);
        assert_eq!(targets("user=x"), ["Socket(None) 5432"]);
        assert_eq!(targets("postgresql://x@/?host=/tmp&port=7"), ["Socket(Some([47, 116, 109, 112])) 7"]);
        assert!(targets("service=a").is_empty());
        assert_eq!(dial("requiressl=1").tls, Tls::Require);
    }
}
