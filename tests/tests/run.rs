//! `spatialclaw run` and `spatialclaw ask`, as a person or a batch job starts them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use spatialclaw_tests::{deployment::binary, deployment::root, malformed, pictures};

#[test]
fn bad_rows_cost_only_themselves() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let folder = dir.path().join("rows");
    fs::create_dir(&folder)?;
    let expectations = malformed::write(&folder)?;
    let out = dir.path().join("out");
    let ended = run(&folder.join("rows.jsonl"), &out, &[])?;
    assert_eq!(ended.status.code(), Some(1), "{}", told(&ended));
    let lines = results(&out)?;
    assert_eq!(lines.len(), expectations.len(), "one result a row");
    for (line, expected) in lines.iter().zip(&expectations) {
        assert_eq!(line["line"], expected.line, "rows keep their order");
        assert_eq!(line["id"].as_str(), expected.id.as_deref(), "line {}", expected.line);
        let error = line["error"].as_str().unwrap_or_default();
        if expected.contains.is_empty() {
            assert_ne!(line["status"], "error", "line {} is fine: {line}", expected.line);
        } else {
            assert_eq!(line["status"], "error", "line {} is not fine: {line}", expected.line);
        }
        for cause in &expected.contains {
            assert!(error.contains(cause), "line {}: `{error}` does not name `{cause}`", expected.line);
        }
        if expected.is_measured {
            let distance = line["number"].as_f64().unwrap_or_default();
            assert!((distance / malformed::DISTANCE_M - 1.0).abs() < 0.02, "line {}: {line}", expected.line);
        }
    }
    Ok(())
}

#[test]
fn what_is_no_manifest_runs_nothing() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("manifest.jsonl");
    for content in [&b""[..], b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"] {
        fs::write(&file, content)?;
        let ended = run(&file, &dir.path().join("out"), &[])?;
        assert_eq!(ended.status.code(), Some(2), "{}", told(&ended));
        assert!(!String::from_utf8_lossy(&ended.stderr).is_empty());
    }
    let missing = run(&dir.path().join("none.jsonl"), &dir.path().join("out"), &[])?;
    assert_eq!(missing.status.code(), Some(2), "{}", told(&missing));
    Ok(())
}

#[test]
fn a_killed_run_goes_on_without_losing_or_doubling_a_row() -> anyhow::Result<()> {
    const ROWS: usize = 40;
    let dir = tempfile::tempdir()?;
    let manifest = many(dir.path(), ROWS)?;
    let out = dir.path().join("out");
    let mut first = command(&manifest, &out, &[]).stderr(Stdio::null()).spawn()?;
    wait_for_lines(&out.join("results.jsonl"), ROWS / 4)?;
    first.kill()?;
    first.wait()?;
    let before = results(&out)?;
    assert!(before.len() < ROWS, "it was killed too late to prove anything");
    // As a crash in the middle of a write leaves it.
    let mut text = fs::read(out.join("results.jsonl"))?;
    text.extend_from_slice(b"{\"line\": 99, \"id\": \"half");
    fs::write(out.join("results.jsonl"), text)?;
    let ended = run(&manifest, &out, &[])?;
    assert_eq!(ended.status.code(), Some(0), "{}", told(&ended));
    let after = results(&out)?;
    assert_eq!(after[..before.len()], before[..], "earlier results are untouched");
    let numbers: Vec<u64> = after.iter().filter_map(|line| line["line"].as_u64()).collect();
    assert_eq!(numbers, (1..=ROWS as u64).collect::<Vec<_>>());
    assert!(after.iter().all(|line| line["correct"] == true), "a wrong answer");
    for line in &after {
        let report = out.join(line["report"].as_str().context("no report")?);
        ensure!(report.is_file(), "{} is missing", report.display());
    }
    // Nothing is left to do, and the results say so at once.
    assert_eq!(run(&manifest, &out, &[])?.status.code(), Some(0));
    assert_eq!(results(&out)?, after);
    Ok(())
}

#[test]
fn ask_prints_one_json_object() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    fs::write(dir.path().join("a.png"), pictures::png(320, 240))?;
    let ended = Command::new(binary("spatialclaw"))
        .args(["ask", "--json", "--image", "a.png", "How far is the chair from the camera, in metres?"])
        .current_dir(dir.path())
        .output()?;
    // A bare photograph has no depth here, and the answer says so instead of inventing one.
    assert_eq!(ended.status.code(), Some(1), "{}", told(&ended));
    let told: Value = serde_json::from_slice(&ended.stdout)?;
    assert_eq!(told["status"], "unanswered", "{told}");
    assert!(told["error"].as_str().is_some_and(|why| !why.is_empty()), "{told}");
    assert!(dir.path().join(told["report"].as_str().unwrap_or_default()).is_file(), "{told}");
    Ok(())
}

/// A manifest of many cheap rows with known answers.
fn many(dir: &Path, rows: usize) -> anyhow::Result<PathBuf> {
    let made = Command::new(root().join(".venv/bin/python"))
        .arg(root().join("examples/render/many.py"))
        .arg(dir)
        .args(["--rows", &rows.to_string()])
        .output()?;
    ensure!(made.status.success(), "many.py: {}", told(&made));
    Ok(dir.join("manifest.jsonl"))
}

fn command(manifest: &Path, out: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(binary("spatialclaw"));
    command.arg("run").arg(manifest).arg("--out").arg(out).args(more).current_dir(root());
    command
}

fn run(manifest: &Path, out: &Path, more: &[&str]) -> anyhow::Result<Output> {
    Ok(command(manifest, out, more).output()?)
}

fn results(out: &Path) -> anyhow::Result<Vec<Value>> {
    let text = fs::read_to_string(out.join("results.jsonl"))?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn told(ended: &Output) -> String {
    format!(
        "{}\n{}\n{}",
        ended.status,
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    )
}

#[expect(clippy::disallowed_methods, reason = "there is nothing to wait on in another process but its file")]
fn wait_for_lines(file: &Path, lines: usize) -> anyhow::Result<()> {
    let ends = Instant::now() + Duration::from_secs(300);
    loop {
        let have = fs::read_to_string(file).map_or(0, |text| text.lines().count());
        if have >= lines {
            return Ok(());
        }
        ensure!(Instant::now() < ends, "only {have} results within the deadline");
        std::thread::sleep(Duration::from_millis(20));
    }
}
