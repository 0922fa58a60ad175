//! The output style and field order of dates.

use super::list;
use super::timestamp::DateOrder;
use super::{Context, refused};
use crate::value::refusal::Read;

const STYLES: [&str; 4] = ["ISO", "SQL", "Postgres", "German"];
const ORDERS: [(&str, DateOrder); 3] = [("MDY", DateOrder::Mdy), ("DMY", DateOrder::Dmy), ("YMD", DateOrder::Ymd)];

/// Reads a style, shown as `ISO, MDY`. What the text leaves open stays as `context.date_style`
/// has it. `spelling` is how refusals of this major write the name.
pub fn read(context: &Context, spelling: &str, text: &[u8]) -> Read {
    let Some(words) = list::identifiers(context.major, text) else {
        return Err(list::invalid_list());
    };
    let (current_style, current_order) = (style(context.date_style), order(context.date_style));
    let (mut style, mut order) = (None, None);
    let (mut default_style, mut default_order) = (current_style, current_order);
    let mut conflict = false;
    for word in &words {
        match meaning(word) {
            Some(Meaning::Style(name)) => {
                conflict |= style.is_some_and(|style| style != name);
                style = Some(name);
                if name == "German" && order.is_none() {
                    default_order = DateOrder::Dmy;
                }
            }
            Some(Meaning::Order(new)) => {
                conflict |= order.is_some_and(|order| order != new);
                order = Some(new);
            }
            Some(Meaning::Default) => {
                (default_style, default_order) = (current_style, current_order);
            }
            None => {
                let word = String::from_utf8_lossy(word);
                return Err(refused(format!("Unrecognized key word: \"{word}\".")));
            }
        }
    }
    if conflict {
        return Err(refused(format!("Conflicting \"{spelling}\" specifications.")));
    }
    let order = order.unwrap_or(default_order);
    let name = ORDERS.iter().find(|(_, known)| *known == order).map_or("MDY", |(name, _)| name);
    Ok(format!("{}, {name}", style.unwrap_or(default_style)).into_bytes())
}

/// The field order of a style as shown.
pub fn order(shown: &[u8]) -> DateOrder {
    let order = ORDERS.iter().find(|(name, _)| shown.ends_with(name.as_bytes()));
    order.map_or(DateOrder::Mdy, |(_, order)| *order)
}

fn style(shown: &[u8]) -> &'static str {
    let style = STYLES.iter().find(|name| shown.starts_with(name.as_bytes()));
    style.copied().unwrap_or("ISO")
}

enum Meaning {
    Style(&'static str),
    Order(DateOrder),
    Default,
}

fn meaning(word: &[u8]) -> Option<Meaning> {
    let word = word.to_ascii_lowercase();
    Some(match word.as_slice() {
        b"iso" => Meaning::Style("ISO"),
        b"sql" => Meaning::Style("SQL"),
        b"german" => Meaning::Style("German"),
        b"ymd" => Meaning::Order(DateOrder::Ymd),
        b"dmy" => Meaning::Order(DateOrder::Dmy),
        b"mdy" | b"us" => Meaning::Order(DateOrder::Mdy),
        b"default" => Meaning::Default,
        word if word.starts_with(b"postgres") => Meaning::Style("Postgres"),
        word if word.starts_with(b"euro") => Meaning::Order(DateOrder::Dmy),
        word if word.starts_with(b"noneuro") => Meaning::Order(DateOrder::Mdy),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Major;

    fn shown(text: &str) -> Result<String, Option<String>> {
        match read(&Context::new(Major::V18, ""), "DateStyle", text.as_bytes()) {
            Ok(value) => Ok(String::from_utf8(value).unwrap()),
            Err(refusal) => Err(refusal.detail),
        }
    }

    #[test]
    fn fills_what_is_left_open() {
        assert_eq!(shown("german").unwrap(), "German, DMY");
        assert_eq!(shown("german, mdy").unwrap(), "German, MDY");
        assert_eq!(shown("").unwrap(), "ISO, MDY");
        assert!(shown("iso, sql").unwrap_err().unwrap().starts_with("Conflicting"));
    }
}
