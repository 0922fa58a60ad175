//! Generated pg_hba.conf and pg_ident.conf: lines of real ones, lines made by their grammar, and both changed.

use fastrand::Rng;

use crate::access::Kind;
use crate::files::{Bytes, FileSet};
use crate::mutate;

/// Lines that people wrote, for cases.
#[derive(Clone, Debug, Default)]
pub struct Lines(Vec<Bytes>);

impl Lines {
    /// Takes up one more source file.
    pub fn add(&mut self, bytes: &[u8]) {
        let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
        self.0.extend(lines.filter(|line| line.iter().any(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'#'))));
    }
}

/// Makes the case of this seed and number. It is the same for every major.
pub fn case(kind: Kind, real: &Lines, seed: u64, number: u64) -> FileSet {
    let mut rng = Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03));
    let rng = &mut rng;
    let mut files = FileSet::default();
    let mut lines: Vec<Bytes> = Vec::new();
    for _ in 0..1 + rng.usize(..6) {
        lines.push(any_line(kind, real, rng));
    }
    if rng.u8(..5) == 0 {
        let (line, names) = *pick(rng, PULLED);
        lines.insert(rng.usize(..=lines.len()), line.as_bytes().to_vec());
        for name in names {
            let inner: Vec<Bytes> = (0..1 + rng.usize(..3))
                .map(|_| if line.contains('@') { words(rng) } else { any_line(kind, real, rng) })
                .collect();
            files = files.with(name, join(rng, &inner));
        }
    }
    let mut main = join(rng, &lines);
    if rng.u8(..6) == 0 {
        mutate::bytes(rng, &mut main);
    }
    files.with(kind.name(), main)
}

fn pick<'a, T>(rng: &mut Rng, list: &'a [T]) -> &'a T {
    &list[rng.usize(..list.len())]
}

fn any_line(kind: Kind, real: &Lines, rng: &mut Rng) -> Bytes {
    let mut line = if !real.0.is_empty() && rng.u8(..4) == 0 {
        pick(rng, &real.0).clone()
    } else {
        match kind {
            Kind::Hba => hba(rng),
            Kind::Ident => ident(rng),
        }
    };
    if rng.u8(..4) == 0 {
        change(rng, &mut line);
    }
    line
}

/// Changes of words, where [`mutate::bytes`] changes bytes.
fn change(rng: &mut Rng, line: &mut Bytes) {
    let mut words: Vec<Bytes> = line.split(|byte| matches!(byte, b' ' | b'\t')).map(<[u8]>::to_vec).collect();
    words.retain(|word| !word.is_empty());
    let at = rng.usize(..words.len().max(1));
    match rng.u8(..12) {
        0 if at < words.len() => {
            words.remove(at);
        }
        1 => words.insert(at.min(words.len()), pick(rng, ODD).as_bytes().to_vec()),
        2 if at < words.len() => words[at] = [b"\"", words[at].as_slice(), b"\""].concat(),
        3 if at < words.len() => words[at] = words[at].to_ascii_uppercase(),
        4 if at < words.len() => words[at].push(b','),
        5 if at < words.len() => words[at] = [words[at].as_slice(), b",", pick(rng, NAMES).as_bytes()].concat(),
        6 if at < words.len() => words[at] = pick(rng, ODD).as_bytes().to_vec(),
        7 if at + 1 < words.len() => words.swap(at, at + 1),
        8 => words.push(pick(rng, OPTIONS).as_bytes().to_vec()),
        9 => words.push(b"# more".to_vec()),
        10 => words.push(b"\\".to_vec()),
        _ => mutate::bytes(rng, line),
    }
    if rng.u8(..8) != 0 {
        *line = words.join(&b' ');
    }
}

fn join(rng: &mut Rng, lines: &[Bytes]) -> Bytes {
    let end: &[u8] = match rng.u8(..24) {
        0 => b"\r\n",
        1 => b" \n",
        2 => b"\\\n",
        3 => b"\n#c\\\n",
        _ => b"\n",
    };
    let mut bytes: Bytes = lines.iter().flat_map(|line| line.iter().chain(end)).copied().collect();
    if rng.u8(..10) == 0 {
        bytes.truncate(bytes.len().saturating_sub(end.len()));
    }
    bytes
}

fn list(rng: &mut Rng, words: &[&str]) -> String {
    let mut text = pick(rng, words).to_string();
    while rng.u8(..5) == 0 {
        text.push_str(pick::<&str>(rng, &[",", ", ", ",,", " ,"]));
        text.push_str(pick::<&str>(rng, words));
    }
    text
}

fn hba(rng: &mut Rng) -> Bytes {
    let kind = *pick(rng, TYPES);
    let gap = *pick(rng, &[" ", "\t", "   ", " "]);
    let mut fields = vec![kind.to_string(), list(rng, DATABASES), list(rng, NAMES)];
    if kind != "local" || rng.u8(..12) == 0 {
        fields.push(match rng.u8(..4) {
            0 => pick(rng, ADDRESSES).to_string(),
            1 => format!("{}.{}.{}.{}/{}", rng.u8(..), rng.u8(..), rng.u8(..), rng.u8(..), rng.u8(..40)),
            2 => format!("{:x}:{:x}::{:x}/{}", rng.u16(..), rng.u16(..), rng.u16(..), rng.u8(..140)),
            _ => format!("{} {}", pick(rng, ADDRESSES), pick(rng, MASKS)),
        });
    }
    fields.push(pick(rng, METHODS).to_string());
    while rng.u8(..3) == 0 {
        fields.push(pick(rng, OPTIONS).to_string());
    }
    fields.join(gap).into_bytes()
}

fn ident(rng: &mut Rng) -> Bytes {
    let map = *pick(rng, &["m", "map", "\"my map\"", "include", "M"]);
    let system = list(rng, SYSTEM);
    let user = list(rng, MAPPED);
    let more = *pick(rng, &["", "", "", " extra", " # c"]);
    format!("{map} {system} {user}{more}").into_bytes()
}

fn words(rng: &mut Rng) -> Bytes {
    let mut text = list(rng, NAMES);
    if rng.bool() {
        text.push(' ');
        text.push_str(pick::<&str>(rng, DATABASES));
    }
    text.into_bytes()
}

const TYPES: &[&str] = &[
    "local",
    "local",
    "host",
    "host",
    "hostssl",
    "hostnossl",
    "hostgssenc",
    "hostnogssenc",
    "Host",
    "hosts",
    "\"host\"",
];
const DATABASES: &[&str] = &[
    "all",
    "all",
    "db1",
    "replication",
    "sameuser",
    "samerole",
    "samegroup",
    "\"all\"",
    "\"a b\"",
    "ALL",
    "/^db",
    "/(",
    "\"/^a{1,2}$\"",
    "a#b",
    "\"x\"\"y\"",
    "'q'",
    "@missing",
    "/[[:alpha:]]+",
    "/a{2",
    "/x**",
    "/\\",
    "t\u{e9}",
];
const NAMES: &[&str] = &[
    "all",
    "postgres",
    "u1",
    "+g1",
    "\"+g1\"",
    "+\"g 1\"",
    "\"\"",
    "/^u",
    "/*",
    "/a|b",
    "/[a-",
    "a\"b\"c",
    "U1",
    "sameuser",
    "replication",
    "\"a,b\"",
    "@",
    "\"@x\"",
    "/(?i)x",
    "/\\1",
    "/a)b",
    "{{user}}",
];
const ADDRESSES: &[&str] = &[
    "127.0.0.1/32",
    "::1/128",
    "0.0.0.0/0",
    "::/0",
    "all",
    "samehost",
    "samenet",
    "10.0.0.5",
    "10.1",
    "10/8",
    "0x7f.1",
    "192.168.1.77/24",
    "db.example.com",
    ".example.com",
    "256.1.1.1/32",
    "10.0.0.0/33",
    "fe80::1%lo/64",
    "[::1]/128",
    "127.0.0.1:5432",
    "\"all\"",
    "ALL",
    "*",
    "1.2.3.4/",
    "1.2.3.4/+8",
    "1.2.3.4/08",
    "::ffff:1.2.3.4/120",
    "::1.2.3.4/128",
    "samehost/32",
    "010.1.1.1/32",
    "1.2.3.4/-0",
    "::1",
    "1::2:3%5/64",
    "localhost",
    "1.2.3/24",
    "fe80::1%nosuch/64",
];
const MASKS: &[&str] = &[
    "255.255.255.0",
    "255.255.0.255",
    "255.0.0.0",
    "ffff::",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "0.0.0.0",
    "::",
    "255.255.255",
    "0xffffff00",
    "",
    "x",
];
const METHODS: &[&str] = &[
    "trust",
    "reject",
    "md5",
    "password",
    "scram-sha-256",
    "ident",
    "peer",
    "gss",
    "sspi",
    "pam",
    "ldap",
    "radius",
    "cert",
    "bsd",
    "oauth",
    "MD5",
    "scram",
    "krb5",
    "\"trust\"",
    "trust#c",
    "trust,md5",
    "ldap ldapserver=h ldapprefix=p",
    "ldap ldapserver=h ldapbasedn=b",
    "radius radiusservers=127.0.0.1 radiussecrets=s",
    "radius radiusservers=\"127.0.0.1,::1\" radiussecrets=\"a,b\"",
    "ldap ldapurl=ldap://h/b?uid?sub",
    "cert clientcert=verify-full",
];
const OPTIONS: &[&str] = &[
    "map=m",
    "map=",
    "map",
    "map = x",
    "clientcert=1",
    "clientcert=0",
    "clientcert=verify-ca",
    "clientcert=verify-full",
    "clientcert=no-verify",
    "clientcert=x",
    "clientname=DN",
    "clientname=CN",
    "clientname=dn",
    "pamservice=p",
    "pam_use_hostname=1",
    "ldaptls=1",
    "ldapport=389",
    "ldapport=0",
    "ldapport=9x",
    "ldapscheme=ldaps",
    "ldapscheme=x",
    "ldapsuffix=,dc=x",
    "ldapbasedn=\"a b\"",
    "ldapsearchattribute=uid",
    "ldapsearchfilter=(u=$username)",
    "ldapbinddn=x",
    "krb_realm=R",
    "include_realm=0",
    "include_realm=1",
    "compat_realm=1",
    "upn_username=1",
    "radiusports=1812",
    "radiusports=0",
    "radiusports=\"1,2\"",
    "radiusidentifiers=\"a,b,c\"",
    "radiussecrets=\"a,b\"",
    "radiusservers=",
    "radiusservers=\"127.0.0.1,,\"",
    "radiussecrets=",
    "issuer=i",
    "scope=s",
    "validator=v",
    "delegate_ident_mapping=1",
    "MAP=m",
    "x=y",
    "=",
    "=y",
    "a=b=c",
    "radiusserver=h",
    "ldaptls",
    "\"map=a b\"",
    "map=\"a b\"",
    "validator.x=1",
];
const SYSTEM: &[&str] = &[
    "root",
    "/^(.*)@x$",
    "\"/^a b\"",
    "/(",
    "all",
    "/^(r).*$",
    "\"a b\"",
    "+g",
    "/[",
    "/a{1,2}",
    "\"/a{1,2}\"",
    "@missing",
    "\"\"",
    "/\\d+",
    "/x{",
    "t\u{e9}",
];
const MAPPED: &[&str] = &[
    "u1", "\\1", "\\1x\\1", "all", "+g1", "\"all\"", "/^u", "/(", "\"/^u\"", "\"\\1\"", "/\\1", "\"+g1\"", "u1,u2",
    "\"\"", "\\2",
];
const ODD: &[&str] = &[
    ",",
    "\"",
    "\"\"",
    "@",
    "@missing",
    "#",
    "'x'",
    "all",
    "=",
    "\\",
    "include",
    "a\"b",
    "\u{feff}local",
    "\u{a0}",
    "\x0b",
    "+",
    "/",
    "10.0.0.1",
    "255.0.0.0",
];
const PULLED: &[(&str, &[&str])] = &[
    ("local @list all trust", &["list"]),
    ("local all,@list u trust", &["list"]),
    ("host all @sub/list 10.0.0.0/8 md5", &["sub/list"]),
    ("@list", &["list"]),
    ("local @\"my list\" all trust", &["my list"]),
    ("local @none all trust", &[]),
    ("include a.conf", &["a.conf"]),
    ("include sub/a.conf", &["sub/a.conf"]),
    ("include_if_exists a.conf", &["a.conf"]),
    ("include_if_exists none.conf", &[]),
    ("include none.conf", &[]),
    ("include_dir d", &["d/b.conf", "d/a.conf", "d/.h.conf", "d/x.txt"]),
    ("include_dir none", &[]),
    ("include \"a b.conf\"", &["a b.conf"]),
    ("include a.conf b.conf", &["a.conf"]),
    ("include a.conf,b.conf", &["a.conf"]),
    ("include sub", &["sub/a.conf"]),
    ("local @sub all trust", &["sub/a.conf"]),
    ("INCLUDE a.conf", &["a.conf"]),
];
