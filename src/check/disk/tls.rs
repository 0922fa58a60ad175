//! Files of TLS, and what stands in them.

use std::path::Path;

use super::{elsewhere, is_there};
use crate::check::replication::{at_trait, with_trait};
use crate::check::spot::{Spot, View};
use crate::model::hosts;
use crate::model::path;
use crate::names;
use crate::source::{Place, ReadError, display};
use crate::value::Value;

fn has_tls(view: &View) -> bool {
    view.settings.value(names::SSL) == Some(Value::Bool(true))
}

/// Several curves before 18, which takes just one; or none at all.
pub fn curve(view: &View) -> Option<Spot> {
    if !has_tls(view) {
        return None;
    }
    let (parameter, curve) = with_trait(view, "tls-curve").or_else(|| with_trait(view, "tls-groups"))?;
    let name = curve.plain();
    if name.is_empty() {
        let word = if parameter.trait_of("tls-curve").is_some() { "tls-curve" } else { "tls-groups" };
        return Some(at_trait(view, "tls-curve-empty", word)?.label("no curve at all"));
    }
    if !name.contains(&b':') || parameter.trait_of("tls-curve").is_none() {
        return None;
    }
    let says = format!("ECDH: unrecognized curve name: {}", display(&name));
    Some(at_trait(view, "curve-list-before-18", "tls-curve")?.label("more than one curve").server(says))
}

/// A file that TLS needs.
struct Needed {
    word: &'static str,
    name: Vec<u8>,
    place: Option<Place>,
}

/// Files without which TLS does not begin: one spot for all that are missing, else one for the first that holds
/// something else.
pub fn check(view: &View, data: &Path) -> Option<Spot> {
    if !has_tls(view) {
        return None;
    }
    let lines = hosts(view);
    let parameters = view.settings.catalog.with_trait("tls-file").filter_map(|(id, parameter)| {
        let word = parameter.trait_of("tls-file")?;
        let name = view.settings.value(parameter.name)?.plain();
        let place = view.settings.winner(id).map(|(_, judged)| judged.entry.value());
        // Without a name there is no certificate and no key; any other file may do without.
        let is_needed = !name.is_empty() || !is_other(word);
        (is_needed && (is_other(word) || lines.is_empty())).then_some(Needed { word, name, place })
    });
    let by_host = lines.iter().flat_map(hosts::Line::files);
    let by_host = by_host.map(|(word, name)| Needed { word, name: name.text.clone(), place: Some(name.place) });
    let mut needed: Vec<Needed> = parameters.chain(by_host).collect();
    // The server looks for the certificate first, then for its key.
    needed.sort_by_key(|file| (file.word != "certificate", file.word != "key"));
    let is_missing = |file: &&Needed| file.name.is_empty() || !is_there(view, &data.join(path::from_bytes(&file.name)));
    let missing: Vec<&Needed> = needed.iter().filter(is_missing).collect();
    if missing.is_empty() {
        return needed.iter().find_map(|file| foreign(view, data, file));
    }
    self::missing(view, &missing)
}

/// Whether it is neither a certificate of the server nor its key.
fn is_other(word: &str) -> bool {
    !matches!(word, "certificate" | "key")
}

fn missing(view: &View, missing: &[&Needed]) -> Option<Spot> {
    let first = missing.first()?;
    let name = display(&first.name);
    let says = match first.word {
        "certificate" => format!("could not load server certificate file \"{name}\""),
        "key" => format!("could not access private key file \"{name}\""),
        _ => format!("\"{name}\": No such file or directory"),
    };
    let named = |file: &&Needed| match file.name.is_empty() {
        true => format!("a {}, whose name is empty,", file.word),
        false => format!("`{}`", display(&file.name)),
    };
    let mut named: Vec<String> = missing.iter().map(named).collect();
    named.dedup();
    let mut spot = at_trait(view, "ssl-file-missing", "tls")?
        .word("missing", named.join(" and "))
        .label("not without its files")
        .server(says);
    for place in missing.iter().filter_map(|file| file.place) {
        spot = spot.related(place, "is not there");
    }
    if missing.iter().all(|file| file.name.starts_with(b"/")) {
        elsewhere(&mut spot);
    }
    Some(spot)
}

/// What a file of that kind has at the beginning of its block, for a person and as one of several words.
fn kind(word: &str) -> Option<(&'static str, &'static [&'static str])> {
    const CERTIFICATE: [&str; 3] = ["CERTIFICATE-----", "X509 CERTIFICATE-----", "TRUSTED CERTIFICATE-----"];
    const ANY: [&str; 4] = [CERTIFICATE[0], CERTIFICATE[1], CERTIFICATE[2], "X509 CRL-----"];
    match word {
        "certificate" => Some(("certificate", &CERTIFICATE)),
        "key" => Some(("private key", &["PRIVATE KEY-----"])),
        "authority" => Some(("certificate", &ANY)),
        "revoked" => Some(("list of revoked certificates", &ANY)),
        "parameters" => Some(("DH parameters", &["DH PARAMETERS-----"])),
        _ => None,
    }
}

/// A file that has no block of what it should hold.
fn foreign(view: &View, data: &Path, file: &Needed) -> Option<Spot> {
    let (kind, words) = kind(file.word)?;
    let text = match view.files.read(&data.join(path::from_bytes(&file.name))) {
        Ok(text) => text,
        Err(ReadError::IsDirectory) => Vec::new().into(),
        Err(_) => return None,
    };
    let is_start = |line: &[u8]| {
        let line = line.trim_ascii_end().strip_prefix(b"-----BEGIN ");
        line.is_some_and(|line| words.iter().any(|word| line.ends_with(word.as_bytes())))
    };
    if text.split(|byte| *byte == b'\n').any(is_start) {
        return None;
    }
    let name = display(&file.name);
    let mut spot =
        at_trait(view, "ssl-file-not-pem", "tls")?.word("path", name).word("kind", kind).label("not with this file");
    if let Some(place) = file.place {
        spot = spot.related(place, format!("holds no {kind}"));
    }
    Some(spot)
}

/// Whether a start asks for a passphrase: the key is encrypted.
pub fn asks_for_passphrase(view: &View) -> bool {
    let key = with_trait(view, "tls-key").map(|(_, key)| key.plain()).filter(|_| has_tls(view));
    let text = key.and_then(|key| view.files.read(&view.tree.data_directory.join(path::from_bytes(&key))).ok());
    text.is_some_and(|text| memchr::memmem::find(&text, b"ENCRYPTED").is_some())
}

/// The lines that give hosts certificates of their own, so that those of the settings are not asked for.
fn hosts<'a>(view: &View<'a>) -> &'a [hosts::Line] {
    view.access.hosts.as_ref().map_or(&[], |hosts| hosts.lines.as_slice())
}
