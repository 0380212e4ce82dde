//! Tasks of this repository: `cargo xtask demo`, `cargo xtask test`, and what they are made of.

mod bench;
mod bench_table;
mod demo;
mod deny;
mod load;
mod setup;
mod shell;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Tasks of the SpatialClaw repository")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build, prepare, answer the example questions and print what came of them
    Demo(demo::Args),
    /// Install what the tests need and run all of them
    Test(test::Args),
    /// Answer many questions in one run, killed half-way, and print what that took
    Load(load::Args),
    /// Measure ours beside others
    Bench(bench::Args),
    /// Prepare the virtual environment, the small vision models and the example data
    Setup,
    /// Check licences and sources of every dependency
    Deny,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Demo(args) => demo::demo(&args),
        Task::Test(args) => test::test(&args),
        Task::Load(args) => load::load(&args),
        Task::Bench(args) => bench::bench(&args),
        Task::Setup => setup::everything(),
        Task::Deny => deny::deny(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
