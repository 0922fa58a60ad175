//! What XML 1.0 can carry.

/// Text for an attribute in double quotes, or between tags.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // A reader makes blanks of them in an attribute unless they are written so.
            '\t' | '\n' | '\r' => escaped.push_str(&format!("&#{};", u32::from(char))),
            // There is no way to write these, not even as a number.
            char if char.is_control() || matches!(char, '\u{fffe}' | '\u{ffff}') => {
                escaped.extend(char.escape_unicode());
            }
            char => escaped.push(char),
        }
    }
    escaped
}
