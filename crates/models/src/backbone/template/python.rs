//! Python source: fragments that stand in files of their own, and literals.

use std::fmt::Write as _;

use serde_json::Value;

/// A literal that Python reads as `value`. Whatever a text holds, it stays inside its quotes, on its line, and inside
/// a Markdown fence: everything but printable ASCII, letters and digits is escaped, backticks too.
pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| format!("{}: {}", quoted(key), literal(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '`' => out.push_str("\\u0060"),
            ' '..='~' => out.push(c),
            _ if c.is_alphanumeric() => out.push(c),
            _ => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out + "\""
}

/// A text that may stand in prose around a cell: one line, no Markdown of its own, at most 300 characters.
pub(super) fn prose(text: &str) -> String {
    let safe = |c: char| match c {
        '*' | '`' | '#' | '<' | '>' => ' ',
        ' '..='~' => c,
        _ if c.is_alphanumeric() => c,
        _ => ' ',
    };
    let words: String = text.chars().map(safe).collect();
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(300) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_stay_inside_their_quotes() {
        let cases = [
            (json!("red chair"), r#""red chair""#),
            (json!("a\"\\\n```"), r#""a\"\\\U0000000a\u0060\u0060\u0060""#),
            (json!("größe\u{202e}"), r#""größe\U0000202e""#),
            (json!({"A": 1.5, "B": [true, null]}), r#"{"A": 1.5, "B": [True, None]}"#),
        ];
        for (value, source) in cases {
            assert_eq!(literal(&value), source);
        }
    }

    #[test]
    fn prose_has_no_markdown() {
        assert_eq!(prose("a\n**Code**\n```python"), "a Code python");
    }
}
