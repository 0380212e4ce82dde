//! Running programs, saying which.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

/// The repository's folder.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A program to be run in the repository's folder.
pub(crate) fn program(name: impl AsRef<Path>) -> Command {
    let mut command = Command::new(name.as_ref());
    command.current_dir(root());
    command
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    program(std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from))
}

/// The folder where this workspace's dev profile builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from).join("debug")
}

/// Runs it and requires success.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let told = told(command);
    eprintln!("+ {told}");
    let status = command.status().with_context(|| format!("start `{told}`"))?;
    ensure!(status.success(), "`{told}` failed: {status}");
    Ok(())
}

/// Runs it, requires success and returns what it printed.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let told = told(command);
    let output = command.output().with_context(|| format!("start `{told}`"))?;
    ensure!(
        output.status.success(),
        "`{told}` failed: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

fn told(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}
