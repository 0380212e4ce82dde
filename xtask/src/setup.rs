//! What has to be there before anything runs: a virtual environment, the small vision models, the example data.
//!
//! Every step is idempotent and cheap once done; none asks.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};

use crate::shell::{output, program, root, run};

/// Oldest interpreter that the kernel worker loads into.
const OLDEST: (u32, u32) = (3, 11);

pub(crate) fn everything() -> anyhow::Result<()> {
    python(&["requirements.lock"])?;
    models()?;
    motorcycle()
}

/// The virtual environment with the packages of `locks` (files in `python/`).
pub(crate) fn python(locks: &[&str]) -> anyhow::Result<()> {
    let venv = root().join(".venv");
    if !interpreter().is_file() {
        create(&venv)?;
    }
    let wanted = locks
        .iter()
        .map(|lock| {
            fs::read_to_string(root().join("python").join(lock))
                .with_context(|| format!("read python/{lock}"))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    for (lock, text) in locks.iter().zip(wanted) {
        // The stamp holds what was installed: a changed lock is installed again.
        let stamp = venv.join(format!("{lock}.installed"));
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == text) {
            continue;
        }
        let file = root().join("python").join(lock);
        run(program(interpreter())
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(file))?;
        fs::write(&stamp, text).with_context(|| format!("write {}", stamp.display()))?;
    }
    Ok(())
}

/// The interpreter of the virtual environment.
pub(crate) fn interpreter() -> PathBuf {
    root().join(".venv/bin/python")
}

/// The detector and the segmenter that the `cpu` engine runs.
pub(crate) fn models() -> anyhow::Result<()> {
    let script = root().join("services/inference/engine/fetch.py");
    run(program(interpreter()).arg(script).arg(root().join(".data/models")))
}

/// The Middlebury motorcycle pair.
pub(crate) fn motorcycle() -> anyhow::Result<()> {
    let folder = root().join("examples/motorcycle");
    run(program(interpreter()).arg(folder.join("fetch.py")).arg(&folder))
}

/// ffmpeg, for the tests of videos; they say that they are skipped where it cannot be had.
pub(crate) fn video_tools() {
    let there = |name: &str| Command::new(name).arg("-version").stdout(Stdio::null()).status().is_ok();
    if there("ffmpeg") && there("ffprobe") {
        return;
    }
    if let Err(error) = apt("ffmpeg") {
        eprintln!("tests of videos will be skipped: {error:#}");
    }
}

/// Installs a Debian package.
fn apt(package: &str) -> anyhow::Result<()> {
    let get = |args: &[&str]| run(program("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive"));
    get(&["update", "-qq"])
        .and_then(|()| get(&["install", "-y", "-qq", "--no-install-recommends", package]))
        .with_context(|| format!("install {package} (as root: apt-get install {package})"))
}

fn create(venv: &Path) -> anyhow::Result<()> {
    let python = host_python()?;
    let made = program(&python).args(["-m", "venv"]).arg(venv).stderr(Stdio::null()).status()?;
    if made.success() {
        return Ok(());
    }
    // Debian keeps the part of `venv` that installs pip in a package of its own.
    eprintln!("this Python cannot make virtual environments: installing Debian's python3-venv");
    apt("python3-venv")?;
    run(program(&python).args(["-m", "venv", "--clear"]).arg(venv))
}

fn host_python() -> anyhow::Result<String> {
    for name in ["python3.11", "python3", "python3.12", "python3.13"] {
        let asked = output(Command::new(name).args(["-c", "import sys; print(*sys.version_info[:2])"]));
        let Ok(version) = asked else { continue };
        let mut numbers = version.split_whitespace().filter_map(|number| number.parse::<u32>().ok());
        if let (Some(major), Some(minor)) = (numbers.next(), numbers.next())
            && (major, minor) >= OLDEST
        {
            return Ok(name.to_owned());
        }
    }
    bail!(
        "no CPython {}.{} or newer found: install python3 (Debian: apt-get install python3 python3-venv)",
        OLDEST.0,
        OLDEST.1
    )
}
