//! The published schema of the JSON as tables, for the book.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

/// One table for each object: its fields, which of them are always there, their types, what they say.
pub fn tables() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/diagnostics-v1.schema.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut text = table("Document", &schema);
    for (name, object) in schema["$defs"].as_object().unwrap() {
        text.push_str(&table(name, object));
    }
    text
}

fn table(name: &str, object: &Value) -> String {
    let said = object["description"].as_str().unwrap_or_default();
    let Some(fields) = object["properties"].as_object() else {
        return format!("### {name}\n\n{said}\n\n");
    };
    let required: Vec<&str> = object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut text =
        format!("### {name}\n\n{said}\n\n| field | type | always | what it says |\n| --- | --- | --- | --- |\n");
    for (field, is) in fields {
        let always = if required.contains(&field.as_str()) { "yes" } else { "" };
        let said = is["description"].as_str().unwrap_or_default().replace('|', "\\|").replace('\n', " ");
        let _ = writeln!(text, "| `{field}` | {} | {always} | {said} |", kind(is));
    }
    text.push('\n');
    text
}

fn kind(field: &Value) -> String {
    let named = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or_default();
        format!("[{name}](#{})", name.to_lowercase())
    };
    if let Some(path) = field["$ref"].as_str() {
        return named(path);
    }
    if let Some(any) = field["anyOf"].as_array() {
        return any.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    if let Some(words) = field["enum"].as_array() {
        return words
            .iter()
            .map(|word| format!("`{}`", word.as_str().unwrap_or("null")))
            .collect::<Vec<_>>()
            .join(", ");
    }
    match &field["type"] {
        Value::String(word) if word == "array" => format!("list of {}", kind(&field["items"])),
        Value::String(word) => word.clone(),
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    }
}
