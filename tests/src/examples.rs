//! The example questions and whether an answer to one is right.

use std::fs;

use anyhow::Context as _;
use serde_json::Value;

use crate::deployment::root;

/// The rows of a manifest of this repository.
///
/// # Errors
/// If it cannot be read.
pub fn rows(manifest: &str) -> anyhow::Result<Vec<Value>> {
    let path = root().join(manifest);
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// How `result` misses what `row` holds to be right; `None` if it is right.
pub fn misses(row: &Value, result: &Value) -> Option<String> {
    let told = |why: &str| {
        Some(format!("{} ({}): {why}; expected {}, got {result}", row["id"], row["question"], row["answer"]))
    };
    let Some(text) = result["answer"].as_str() else { return told("no answer") };
    let right = match &row["answer"] {
        Value::Number(wanted) => near(wanted.as_f64(), result["number"].as_f64(), &row["tolerance"]),
        Value::Array(any) => {
            any.iter().any(|one| one.as_str().is_some_and(|one| one.eq_ignore_ascii_case(text)))
        }
        Value::String(wanted) => wanted.eq_ignore_ascii_case(text),
        _ => true,
    };
    if right { None } else { told("wrong") }
}

fn near(wanted: Option<f64>, got: Option<f64>, tolerance: &Value) -> bool {
    let (Some(wanted), Some(got)) = (wanted, got) else { return false };
    let relative = tolerance["relative"].as_f64().unwrap_or(0.0) * wanted.abs();
    (got - wanted).abs() <= relative.max(tolerance["absolute"].as_f64().unwrap_or(0.0)).max(1e-9)
}
