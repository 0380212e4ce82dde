//! `cargo xtask test`: everything that can fail.

use std::path::PathBuf;

use crate::{
    setup,
    shell::{cargo, program, root, run},
};

/// Run every test.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Passed on to `cargo test`, e.g. a name to filter by
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn test(args: &Args) -> anyhow::Result<()> {
    setup::python(&["requirements.lock", "requirements-test.lock"])?;
    setup::models()?;
    setup::motorcycle()?;
    setup::video_tools();
    // Scenarios start the services' own binaries, and kernels load the worker's library.
    run(cargo().args(["build", "--workspace"]))?;
    run(cargo().args(["test", "--workspace", "--no-fail-fast"]).args(&args.rest))?;
    python_tests()
}

fn python_tests() -> anyhow::Result<()> {
    let python: PathBuf = root().join("python");
    run(program(setup::interpreter()).current_dir(&python).args(["-m", "mypy"]))?;
    run(program(setup::interpreter()).current_dir(&python).args(["-m", "pytest"]))
}
