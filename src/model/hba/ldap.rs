//! LDAP URLs as the LDAP library splits them.

/// `scheme://host:port/base?attribute?scope?filter`
pub(super) struct LdapUrl<'a> {
    pub(super) scheme: &'a [u8],
    pub(super) host: Option<&'a [u8]>,
    pub(super) port: Option<&'a [u8]>,
    pub(super) base: Option<&'a [u8]>,
    pub(super) attribute: Option<&'a [u8]>,
    /// 0 the entry itself, 1 those right below, 2 all below.
    pub(super) scope: u8,
    pub(super) filter: Option<&'a [u8]>,
}

impl LdapUrl<'_> {
    /// The error is what the library says: its numbers for faults of URLs are those of other errors.
    pub(super) fn parse(text: &[u8]) -> Result<LdapUrl<'_>, &'static str> {
        const SCHEME: &str = "Time limit exceeded";
        const SCOPE: &str = "Strong(er) authentication required";
        const PORT: &str = "Compare False";
        let mut schemes = [&b"ldaps"[..], b"ldapi", b"ldap"].into_iter();
        let scheme = schemes
            .find(|scheme| {
                text.len() > scheme.len()
                    && text[..scheme.len()].eq_ignore_ascii_case(scheme)
                    && text[scheme.len()..].starts_with(b"://")
            })
            .ok_or(SCHEME)?;
        let rest = &text[scheme.len() + 3..];
        let (place, path) = match memchr::memchr(b'/', rest) {
            Some(slash) => (&rest[..slash], &rest[slash + 1..]),
            None => (rest, &b""[..]),
        };
        let (host, port) = match memchr::memrchr(b':', place) {
            Some(colon) => (&place[..colon], Some(&place[colon + 1..])),
            None => (place, None),
        };
        if port.is_some_and(|port| !port.iter().all(u8::is_ascii_digit)) {
            return Err(PORT);
        }
        let mut parts = path.split(|byte| *byte == b'?');
        let mut next = || parts.next().filter(|part| !part.is_empty());
        let base = next();
        let attribute = next().map(|list| list.split(|byte| *byte == b',').next().unwrap_or(list));
        let scope = match next().map(<[u8]>::to_ascii_lowercase).as_deref() {
            None | Some(b"base") => 0,
            Some(b"one" | b"onelevel") => 1,
            Some(b"sub" | b"subtree") => 2,
            Some(_) => return Err(SCOPE),
        };
        let filter = next();
        let usual: &[u8] = if scheme == b"ldaps" { b"636" } else { b"389" };
        let port = Some(port.unwrap_or(usual));
        Ok(LdapUrl { scheme, host: Some(host).filter(|host| !host.is_empty()), port, base, attribute, scope, filter })
    }
}
