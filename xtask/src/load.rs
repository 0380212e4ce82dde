//! `cargo xtask load`: many questions in one run, killed half-way and started again; prints what that took.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::{
    setup,
    shell::{cargo, program, root, run, target},
};

/// Many questions in one run.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Questions
    #[arg(long, default_value_t = 1000)]
    rows: usize,
    /// Share of the rows after which the process is killed; 0 never
    #[arg(long, default_value_t = 0.3)]
    kill_at: f64,
    /// Write no report pages
    #[arg(long)]
    no_reports: bool,
    /// Build with the optimiser; without it the numbers are those of a debug build, and say so
    #[arg(long)]
    release: bool,
}

#[derive(Deserialize)]
struct Line {
    line: usize,
    id: Option<String>,
    status: String,
    correct: Option<bool>,
}

pub(crate) fn load(args: &Args) -> anyhow::Result<()> {
    setup::python(&["requirements.lock"])?;
    let mut build = cargo();
    build.args(["build", "-p", "spatialclaw-embedded", "-p", "spatialclaw-kernel-worker"]);
    if args.release {
        build.arg("--release");
    }
    run(&mut build)?;
    let folder = root().join("out/load");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let made = root().join("examples/render/many.py");
    run(program(setup::interpreter()).arg(made).arg(&folder).args(["--rows", &args.rows.to_string()]))?;
    let out = folder.join("out");
    let started = Instant::now();
    if args.kill_at > 0.0 {
        let mut first = start(args, &folder, &out)?;
        wait_for(&out, (args.rows as f64 * args.kill_at) as usize)?;
        first.kill()?;
        first.wait()?;
        println!("load: killed with SIGKILL after {} results", count(&out));
    }
    let before = count(&out);
    let resumed = Instant::now();
    let memory = watch(start(args, &folder, &out)?, &out)?;
    let seconds = resumed.elapsed().as_secs_f64();
    let (right, answered) = check(&out, args.rows)?;
    println!("load: {} rows, {answered} answered, {right} right, none lost, none doubled", args.rows);
    println!(
        "load: {:.1} questions/s after the restart ({:.1} s in all, {} build), {}",
        (args.rows - before) as f64 / seconds,
        started.elapsed().as_secs_f64(),
        if args.release { "release" } else { "debug" },
        machine(),
    );
    println!("load: resident memory of the process, MiB, by share of rows done: {}", told(&memory));
    Ok(())
}

fn start(args: &Args, folder: &Path, out: &Path) -> anyhow::Result<Child> {
    let profile = if args.release { target().with_file_name("release") } else { target() };
    let binary = profile.join("spatialclaw");
    let mut command = Command::new(binary);
    command.current_dir(root()).arg("run").arg(folder.join("manifest.jsonl")).arg("--out").arg(out);
    if args.no_reports {
        command.arg("--no-reports");
    }
    command.spawn().context("start spatialclaw")
}

fn results(out: &Path) -> PathBuf {
    out.join("results.jsonl")
}

fn count(out: &Path) -> usize {
    fs::read(results(out)).map_or(0, |text| text.iter().filter(|&&byte| byte == b'\n').count())
}

#[expect(clippy::disallowed_methods, reason = "there is nothing to wait on in another process but its file")]
fn wait_for(out: &Path, lines: usize) -> anyhow::Result<()> {
    let ends = Instant::now() + Duration::from_secs(3600);
    while count(out) < lines {
        ensure!(Instant::now() < ends, "only {} results within the hour", count(out));
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Waits for the process and samples its resident memory as rows are done.
#[expect(clippy::disallowed_methods, reason = "sampling is what a clock is for")]
fn watch(mut process: Child, out: &Path) -> anyhow::Result<Vec<(usize, u64)>> {
    let mut samples: Vec<(usize, u64)> = Vec::new();
    loop {
        if let Some(status) = process.try_wait()? {
            ensure!(matches!(status.code(), Some(0 | 1)), "the run ended with {status}");
            return Ok(samples);
        }
        let done = count(out);
        if samples.last().is_none_or(|(last, _)| done >= last + 50)
            && let Some(kib) = resident(process.id())
        {
            samples.push((done, kib / 1024));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Every row once, in order; (right, answered).
fn check(out: &Path, rows: usize) -> anyhow::Result<(usize, usize)> {
    let text = fs::read_to_string(results(out))?;
    let lines: Vec<Line> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let numbers: Vec<usize> = lines.iter().map(|line| line.line).collect();
    ensure!(numbers == (1..=rows).collect::<Vec<_>>(), "rows are missing, doubled or out of order");
    let ids: BTreeSet<_> = lines.iter().map(|line| &line.id).collect();
    ensure!(ids.len() == rows, "{} ids for {rows} rows", ids.len());
    let right = lines.iter().filter(|line| line.correct == Some(true)).count();
    Ok((right, lines.iter().filter(|line| line.status == "answered").count()))
}

fn told(samples: &[(usize, u64)]) -> String {
    samples.iter().map(|(rows, mib)| format!("{rows}: {mib}")).collect::<Vec<_>>().join(", ")
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores of {}", model.trim_start_matches([' ', '\t', ':']))
}
