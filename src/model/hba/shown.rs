//! Lines of pg_hba.conf as the view `pg_hba_file_rules` shows them.

use super::address::{self, Address};
use super::options::leading_number;
use super::{Certificate, Entry, Line};
use crate::version::Major;

/// A row of the view.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Row {
    /// The line.
    pub line: usize,
    /// The connection type, unless the line is refused.
    pub connection: Option<Vec<u8>>,
    /// Databases.
    pub databases: Option<Vec<Vec<u8>>>,
    /// Users.
    pub users: Option<Vec<Vec<u8>>>,
    /// The address or the word that stands for it.
    pub address: Option<Vec<u8>>,
    /// The mask of an address.
    pub netmask: Option<Vec<u8>>,
    /// The method.
    pub method: Option<Vec<u8>>,
    /// Options as the server took them.
    pub options: Option<Vec<Vec<u8>>>,
    /// What is wrong, where the view says it.
    pub error: Option<Vec<u8>>,
}

/// The row of a line.
pub fn row(line: &Line, major: Major) -> Row {
    let mut row = Row { line: line.record.line, ..Row::default() };
    let entry = match &line.verdict {
        Ok(entry) => entry,
        Err(refusal) => {
            // A notice before the refusal has left its text.
            let notice = || line.notice.as_ref().map(|notice| notice.text.clone());
            row.error = refusal.view.clone().or_else(notice);
            return row;
        }
    };
    let texts = |words: &[crate::model::access::Word]| Some(words.iter().map(|word| word.text.clone()).collect());
    row.connection = Some(entry.connection.name.as_bytes().to_vec());
    row.databases = texts(&entry.databases);
    row.users = texts(&entry.users);
    match &entry.address {
        None => {}
        Some(Address::All) => row.address = Some(b"all".to_vec()),
        Some(Address::SameHost) => row.address = Some(b"samehost".to_vec()),
        Some(Address::SameNet) => row.address = Some(b"samenet".to_vec()),
        Some(Address::Name(name)) => row.address = Some(name.clone()),
        Some(Address::Network(network)) => {
            row.address = Some(address::shown(network.address).into_bytes());
            row.netmask = Some(address::shown(network.mask).into_bytes());
        }
    }
    row.method = Some(entry.method.name.as_bytes().to_vec());
    let options = options(entry, major);
    row.options = (!options.is_empty()).then_some(options);
    row.error = line.notice.as_ref().map(|notice| notice.text.clone());
    row
}

/// In the order of the view; what it never shows is left out.
fn options(entry: &Entry, major: Major) -> Vec<Vec<u8>> {
    let value = |name: &str| entry.options.iter().rev().find(|option| option.name == name).map(|option| &option.value);
    let is_set = |name: &str| value(name).is_some_and(|value| value == b"1");
    let mut shown: Vec<Vec<u8>> = Vec::new();
    let mut push = |name: &str, value: &[u8]| shown.push([name.as_bytes(), b"=", value].concat());
    let has_realm = matches!(entry.method.name, "gss" | "sspi");
    if has_realm && (value("include_realm").is_none() || is_set("include_realm")) {
        push("include_realm", b"true");
    }
    let mut plain = |name: &str| {
        if let Some(value) = value(name) {
            push(name, value);
        }
    };
    plain("krb_realm");
    plain("map");
    match entry.certificate {
        Certificate::Off => {}
        _ if major < Major::V12 => push("clientcert", b"true"),
        Certificate::Full => push("clientcert", b"verify-full"),
        _ => push("clientcert", b"verify-ca"),
    }
    let mut plain = |name: &str| {
        if let Some(value) = value(name) {
            push(name, value);
        }
    };
    plain("pamservice");
    if entry.method.name == "ldap" {
        plain("ldapserver");
        if let Some(port) = value("ldapport") {
            push("ldapport", leading_number(port).to_string().as_bytes());
        }
        if let Some(scheme) = value("ldapscheme") {
            push("ldapscheme", scheme);
        }
        if is_set("ldaptls") {
            push("ldaptls", b"true");
        }
        for name in ["ldapprefix", "ldapsuffix", "ldapbasedn", "ldapbinddn", "ldapbindpasswd", "ldapsearchattribute"] {
            if let Some(value) = value(name) {
                push(name, value);
            }
        }
        if let Some(value) = value("ldapsearchfilter") {
            push("ldapsearchfilter", value);
        }
        if entry.ldap_scope > 0 {
            push("ldapscope", entry.ldap_scope.to_string().as_bytes());
        }
    }
    for name in ["radiusservers", "radiussecrets", "radiusidentifiers", "radiusports", "issuer", "scope", "validator"] {
        if let Some(value) = value(name) {
            push(name, value);
        }
    }
    if is_set("delegate_ident_mapping") {
        push("delegate_ident_mapping", b"true");
    }
    shown
}
