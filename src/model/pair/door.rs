//! Where a server listens, and whether a client's way ends there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Answer;
use super::dial::{Way, tls_version};
use crate::model::path;
use crate::model::settings::Settings;
use crate::names;
use crate::value::Value;
use crate::value::grammar::list;
use crate::version::Major;

/// Where a server listens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Door {
    /// The port, for TCP and for the names of its sockets.
    pub port: u16,
    /// Addresses for TCP; empty where it takes no TCP connections.
    pub addresses: Vec<Listen>,
    /// Directories of its Unix sockets; nothing where the one it was built with is meant.
    pub sockets: Option<Vec<Vec<u8>>>,
    /// Whether it speaks TLS.
    pub has_tls: bool,
    /// The greatest version of TLS it speaks, and the least.
    pub tls_versions: (u8, u8),
}

/// One entry of the addresses to listen on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Listen {
    /// Every address.
    All,
    /// Every address of this family: 4 or 6.
    Family(u8),
    /// One.
    Address(IpAddr),
    /// This machine by its name.
    Localhost,
    /// What only a resolver knows.
    Name,
}

impl Door {
    /// The door of a server with these settings; `None` where they are refused.
    pub fn of(settings: &Settings) -> Option<Door> {
        let major = settings.catalog.version.major;
        let Some(Value::Integer(port)) = settings.value(names::PORT) else { return None };
        let addresses = settings.value(names::LISTEN_ADDRESSES)?.plain();
        let addresses = list::identifiers(major, &addresses)?.iter().map(|entry| listen(entry)).collect();
        let sockets = match settings.is_set(names::UNIX_SOCKET_DIRECTORIES) {
            true => Some(directories(major, &settings.value(names::UNIX_SOCKET_DIRECTORIES)?.plain())?),
            false => None,
        };
        let has_tls = settings.value(names::SSL) == Some(Value::Bool(true));
        let version = |name: &str| settings.value(name).and_then(|value| tls_version(&value.plain()));
        let tls_versions = (
            version(names::SSL_MAX_PROTOCOL_VERSION).unwrap_or(u8::MAX),
            version(names::SSL_MIN_PROTOCOL_VERSION).unwrap_or(0),
        );
        Some(Door { port: u16::try_from(port).ok()?, addresses, sockets, has_tls, tls_versions })
    }

    /// Whether a way of a client on the same machine ends at this door, the port aside.
    pub fn takes_from_here(&self, way: &Way) -> Answer {
        match way {
            Way::Socket(directory) => self.has_socket(directory.as_deref()),
            Way::Localhost => {
                let loopback = [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];
                match loopback.map(|address| self.listens_on(address)) {
                    [Answer::No, Answer::No] => Answer::No,
                    // libpq tries one after the other.
                    answers if answers.contains(&Answer::Yes) => Answer::Yes,
                    _ => Answer::Depends,
                }
            }
            Way::Address(address) => self.listens_on(*address),
            Way::Name => Answer::Depends,
        }
    }

    /// Whether it can be reached from another machine; an address may be translated on the way.
    pub fn takes_from_afar(&self, way: &Way) -> Answer {
        let any = |listen: &&Listen| matches!(listen, Listen::All | Listen::Family(_));
        if !self.is_open_to_others() {
            return Answer::No;
        }
        match way {
            Way::Address(address) => match self.listens_on(*address) {
                Answer::No if self.addresses.iter().any(|listen| any(&listen)) => Answer::No,
                // It may be translated to one of them.
                Answer::No => Answer::Depends,
                known => known,
            },
            _ if self.addresses.iter().filter(any).count() > 0 => Answer::Yes,
            _ => Answer::Depends,
        }
    }

    /// Whether others than its own machine can come in.
    pub fn is_open_to_others(&self) -> bool {
        self.addresses.iter().any(|listen| match listen {
            Listen::Address(address) => !address.is_loopback(),
            Listen::Localhost => false,
            Listen::All | Listen::Family(_) | Listen::Name => true,
        })
    }

    /// Whether it listens on an address of its machine.
    pub fn listens_on(&self, address: IpAddr) -> Answer {
        let takes = |listen: &Listen| match listen {
            Listen::All => Answer::Yes,
            Listen::Family(family) => {
                Answer::from(matches!((family, address), (4, IpAddr::V4(_)) | (6, IpAddr::V6(_))))
            }
            Listen::Address(own) => Answer::from(*own == address),
            Listen::Localhost => {
                Answer::from(address == IpAddr::V4(Ipv4Addr::LOCALHOST) || address == IpAddr::V6(Ipv6Addr::LOCALHOST))
            }
            Listen::Name => Answer::Depends,
        };
        let answers: Vec<Answer> = self.addresses.iter().map(takes).collect();
        match () {
            () if answers.contains(&Answer::Yes) => Answer::Yes,
            () if answers.contains(&Answer::Depends) => Answer::Depends,
            () => Answer::No,
        }
    }

    fn has_socket(&self, directory: Option<&[u8]>) -> Answer {
        match (&self.sockets, directory) {
            (Some(sockets), _) if sockets.is_empty() => Answer::No,
            (Some(sockets), Some(directory)) => {
                match sockets.iter().any(|own| trimmed(own) == trimmed(directory)) {
                    true => Answer::Yes,
                    // One may be a link to the other.
                    false => Answer::Depends,
                }
            }
            // Both were built with the same one.
            (None, None) => Answer::Yes,
            _ => Answer::Depends,
        }
    }
}

fn trimmed(directory: &[u8]) -> &[u8] {
    let directory = directory.strip_prefix(b"/var/run").filter(|rest| rest.starts_with(b"/")).map_or(directory, |_| {
        // A link to /run everywhere.
        &directory[4..]
    });
    directory.strip_suffix(b"/").unwrap_or(directory)
}

/// The directories of a list, cleaned as the server does it; `None` where the list is refused.
pub fn directories(major: Major, text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let directories = list::directories(major, text)?;
    Some(directories.iter().map(|directory| path::clean(directory, major)).collect())
}

fn listen(entry: &[u8]) -> Listen {
    let text = String::from_utf8_lossy(entry).to_ascii_lowercase();
    match text.as_str() {
        "*" => Listen::All,
        "0.0.0.0" => Listen::Family(4),
        "::" => Listen::Family(6),
        "localhost" => Listen::Localhost,
        other => other.parse().map_or(Listen::Name, Listen::Address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(entries: &[&str]) -> Door {
        let addresses = entries.iter().map(|entry| listen(entry.as_bytes())).collect();
        Door {
            port: 5432,
            addresses,
            sockets: Some(vec![b"/var/run/postgresql".to_vec()]),
            has_tls: false,
            tls_versions: (u8::MAX, 0),
        }
    }

    #[test]
    fn ways_end_at_doors() {
        let way = |text: &str| text.parse().map_or(Way::Name, Way::Address);
        assert_eq!(door(&["localhost"]).takes_from_afar(&way("10.0.0.1")), Answer::No);
        assert_eq!(door(&[]).takes_from_afar(&way("db1")), Answer::No);
        assert_eq!(door(&["*"]).takes_from_afar(&way("db1")), Answer::Yes);
        assert_eq!(door(&["0.0.0.0"]).takes_from_afar(&way("fd00::1")), Answer::No);
        assert_eq!(door(&["10.0.0.2"]).takes_from_afar(&way("10.0.0.1")), Answer::Depends);
        assert_eq!(door(&["10.0.0.2", "localhost"]).takes_from_here(&way("127.0.0.1")), Answer::Yes);
        assert_eq!(door(&["10.0.0.2"]).takes_from_here(&Way::Localhost), Answer::No);
        assert_eq!(door(&[]).takes_from_here(&Way::Socket(Some(b"/run/postgresql/".to_vec()))), Answer::Yes);
        assert_eq!(door(&[]).takes_from_here(&Way::Socket(None)), Answer::Depends);
    }
}
