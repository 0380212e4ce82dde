//! `cargo xtask demo`: the example questions, answered offline.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    setup,
    shell::{cargo, program, root, run, target},
};

/// Example manifests, by the name of their results' folder.
const MANIFESTS: [(&str, &str); 2] =
    [("scenes", "examples/questions.jsonl"), ("motorcycle", "examples/motorcycle/questions.jsonl")];

/// Answer the example questions.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Keep answers of an earlier demo instead of asking everything again
    #[arg(long)]
    resume: bool,
}

#[derive(Deserialize)]
struct Row {
    question: String,
}

#[derive(Deserialize)]
struct Answered {
    line: usize,
    status: String,
    answer: Option<String>,
    error: Option<String>,
    expected: Option<Value>,
    correct: Option<bool>,
    relative_error: Option<f64>,
    cost: Option<Cost>,
}

#[derive(Deserialize)]
struct Cost {
    seconds: f64,
}

pub(crate) fn demo(args: &Args) -> anyhow::Result<()> {
    setup::everything()?;
    run(cargo().args(["build", "-p", "spatialclaw-embedded", "-p", "spatialclaw-kernel-worker"]))?;
    let (mut questions, mut answered, mut right) = (0, 0, 0);
    let mut tables = String::new();
    for (name, manifest) in MANIFESTS {
        let out = root().join("out/demo").join(name);
        answer(manifest, &out, args.resume)?;
        let rows = rows(&root().join(manifest), &out.join("results.jsonl"))?;
        questions += rows.len();
        answered += rows.iter().filter(|(_, row)| row.status == "answered").count();
        right += rows.iter().filter(|(_, row)| row.correct == Some(true)).count();
        tables += &table(name, &rows);
        tables += &format!("reports: {}\n\n", out.join("reports").display());
    }
    print!("\n{tables}");
    println!("demo: {questions} questions, {answered} answered, {right} within tolerance");
    ensure!(answered == questions && right == questions, "not every example question was answered rightly");
    Ok(())
}

/// Some rows failing is for the table to tell; only a run that could not start is an error here.
fn answer(manifest: &str, out: &Path, resume: bool) -> anyhow::Result<()> {
    let mut command = program(target().join("spatialclaw"));
    command.args(["run", manifest, "--out"]).arg(out);
    if !resume {
        command.arg("--fresh");
    }
    eprintln!("+ spatialclaw run {manifest}");
    let status = command.status().context("start spatialclaw")?;
    ensure!(matches!(status.code(), Some(0 | 1)), "`spatialclaw run {manifest}` could not run: {status}");
    Ok(())
}

fn rows(manifest: &Path, results: &Path) -> anyhow::Result<Vec<(String, Answered)>> {
    let manifest = fs::read_to_string(manifest).with_context(|| format!("read {}", manifest.display()))?;
    let lines: Vec<&str> = manifest.lines().collect();
    let results = fs::read_to_string(results).with_context(|| format!("read {}", results.display()))?;
    results
        .lines()
        .map(|text| {
            let answered: Answered = serde_json::from_str(text)?;
            let line = answered
                .line
                .checked_sub(1)
                .and_then(|at| lines.get(at))
                .context("a result without its row")?;
            Ok((serde_json::from_str::<Row>(line)?.question, answered))
        })
        .collect()
}

/// Fits a terminal of 100 columns.
fn table(name: &str, rows: &[(String, Answered)]) -> String {
    let line = |question: &str, answer: &str, truth: &str, error: &str, seconds: &str| {
        let (question, answer, truth) = (short(question, 50), short(answer, 14), short(truth, 14));
        format!("{question:<50}  {answer:<14}  {truth:<14}  {error:>7}  {seconds:>7}\n")
    };
    let mut text = format!("{name}\n{}", line("question", "answer", "truth", "error", "seconds"));
    for (question, row) in rows {
        let answer = row.answer.as_deref().unwrap_or("-");
        let truth = row.expected.as_ref().map_or_else(String::new, plain);
        let error = match (row.relative_error, row.correct) {
            (Some(error), _) => format!("{:.2} %", error * 100.0),
            (None, Some(true)) => "right".to_owned(),
            (None, Some(false)) => "WRONG".to_owned(),
            (None, None) => String::new(),
        };
        let seconds = row.cost.as_ref().map_or_else(String::new, |cost| format!("{:.2}", cost.seconds));
        text += &line(question, answer, &truth, &error, &seconds);
        if let Some(why) = &row.error {
            text += &format!("  no answer: {}\n", short(why, 300));
        }
    }
    text
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(whole) if whole.fract() == 0.0 => format!("{whole}"),
            Some(n) => format!("{n:.4}"),
            None => number.to_string(),
        },
        // Any of these is right; the first is how we would say it.
        Value::Array(any) => any.first().map_or_else(String::new, plain),
        other => other.to_string(),
    }
}

fn short(text: &str, width: usize) -> String {
    let text = text.replace('\n', " ");
    if text.chars().count() <= width {
        return text;
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_fits_100_columns_and_a_failure_says_why() {
        let row = r#"{"line":1,"status":"error","answer":null,"error":"no depth","expected":"left","correct":false}"#;
        let text = table("scenes", &[("q".repeat(200), serde_json::from_str(row).unwrap())]);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert!(text.contains("WRONG") && text.contains("no answer: no depth"), "{text}");
    }
}
