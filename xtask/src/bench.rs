//! `cargo xtask bench kernel`: our kernels beside Jupyter's on this machine, as a table.
//!
//! Jupyter is installed into a virtual environment of its own under `target/`, which sees the packages of the
//! project's own environment, so that both sides import the same files.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::{
    bench_table, setup,
    shell::{cargo, output, program, root, run},
};

/// Compare ours with others.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Kernels: start, round trip, memory, transfer, noise
    Kernel(Kernel),
}

#[derive(clap::Args)]
struct Kernel {
    /// Fewer samples, and no 64 Jupyter kernels at once
    #[arg(long)]
    quick: bool,
    /// Cargo profile of our side: `release`, or `dev` where nothing else is built
    #[arg(long, default_value = "release")]
    profile: String,
    /// Leave the other side out
    #[arg(long)]
    ours_only: bool,
}

pub(crate) fn bench(args: &Args) -> anyhow::Result<()> {
    let What::Kernel(args) = &args.what;
    setup::python(&["requirements.lock"])?;
    let load = load();
    if load > 0.5 {
        eprintln!(
            "bench: WARNING: the load is {load:.2}: something else runs here, and the numbers will show it"
        );
    }
    let ours = ours(args)?;
    let (jupyter, http) = match args.ours_only {
        true => (Value::Null, Value::Null),
        false => (theirs("jupyter.py", args.quick)?, theirs("transfer.py", args.quick)?),
    };
    print!("{}", bench_table::told(&machine(load, args), &ours, &jupyter, &http));
    Ok(())
}

fn ours(args: &Kernel) -> anyhow::Result<Value> {
    let profile = ["--profile", args.profile.as_str()];
    run(cargo().arg("build").args(profile).args(["-p", "spatialclaw-kernel-worker"]))?;
    let mut bench = cargo();
    bench.arg("bench").args(profile).args(["-p", "spatialclaw-tests", "--bench", "kernel", "--"]);
    read(&output(bench.args(args.quick.then_some("--quick")))?)
}

fn theirs(script: &str, quick: bool) -> anyhow::Result<Value> {
    let python = environment()?;
    let mut bench = program(python);
    bench.arg(root().join("python/bench").join(script)).args(quick.then_some("--quick"));
    // Nobody's own settings of Jupyter.
    bench.env("HOME", root().join("target/bench")).env("OPENBLAS_NUM_THREADS", "1");
    read(&output(&mut bench)?)
}

/// The last line holds the results.
fn read(printed: &str) -> anyhow::Result<Value> {
    let last = printed.lines().next_back().context("the program printed nothing")?;
    serde_json::from_str(last).with_context(|| format!("read `{last}`"))
}

/// The interpreter of an environment with Jupyter and our packages.
fn environment() -> anyhow::Result<PathBuf> {
    let (folder, list) = (root().join("target/bench/venv"), root().join("python/bench/requirements.txt"));
    let (python, stamp) = (folder.join("bin/python"), folder.join("requirements.installed"));
    let wanted = fs::read_to_string(&list)?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    run(program(setup::interpreter()).args(["-m", "venv", "--clear"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    run(program(&python).args(pip).arg(&list))?;
    let site = |python: PathBuf| {
        output(program(python).args(["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]))
    };
    let (own, projects) = (site(python.clone())?, site(setup::interpreter())?);
    ensure!(own != projects, "the environment is the project's own");
    fs::write(PathBuf::from(own.trim()).join("project.pth"), projects)?;
    fs::write(&stamp, wanted)?;
    Ok(python)
}

fn machine(load: f64, args: &Kernel) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).map(str::to_owned);
        line.and_then(|line| line.split_once(':').map(|(_, value)| value.trim().to_owned()))
            .unwrap_or_default()
    };
    let model = field(&read("/proc/cpuinfo"), "model name");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let kib: f64 = memory.split_whitespace().next().and_then(|it| it.parse().ok()).unwrap_or(f64::NAN);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "{cores} cores of {model}, {:.0} GiB, Linux {}; load {load:.2} at the start; profile {}{}",
        kib / 1024.0 / 1024.0,
        kernel.trim(),
        args.profile,
        if args.quick { ", quick" } else { "" },
    )
}

/// Processes that wanted to run in the last minute, on average.
fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|it| it.parse().ok()).unwrap_or(f64::NAN)
}
