//! All of SpatialClaw in one process, and its command line.
//!
//! [`Embedded`] is the second roof over the same actors: where the deployed services each connect to NATS, it opens
//! one in-process bus and spawns all of them on it. The codecs, the journal and the kernels are the same; only the
//! carrier differs.
//!
//! Commands: `ask` (one question), `run` (a manifest), `serve` (everything behind HTTP, or one role on NATS),
//! `dead` (jobs nobody could do).

mod ask;
mod cli;
mod cluster;
mod dead;
mod kernel;
mod live;
mod result;
mod run;
mod score;
mod serve;
mod settings;
mod tell;

use std::{ffi::OsString, process::ExitCode};

use clap::Parser as _;

pub use cluster::Embedded;
pub use score::Score;
pub use settings::Settings;

/// The command line, from its arguments (the program's name first) to its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = cli::Cli::parse_from(args);
    match cli.command.execute() {
        Ok(code) => code,
        Err(error) => {
            tell::err(format!("spatialclaw: {error:#}"));
            ExitCode::from(2)
        }
    }
}
