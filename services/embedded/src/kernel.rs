//! `spatialclaw kernel`: cells without a question, for developers and for those who attack them.
//!
//! ```text
//! stdin ─line─▶ request ─▶ session (one task each) ─ask─▶ executor ─▶ kernel behind the production walls
//! stdout ◀─line─ reply ◀──────┘ a lost kernel is leased anew and its cells are run again
//! ```
//!
//! The executor, perception and the sensor pod are the real ones, on an in-process bus; the frames are two pictures of
//! a rendered office with measured depth, poses and masks. No language model is involved.
//!
//! Failures: a line that is no request costs itself only; a kernel that is lost is told in its reply (`restarted`);
//! an executor that can no longer work ends the process with status 2.

mod bounds;
mod house;
mod jsonl;
mod repl;
mod reply;
mod request;
mod sample;
mod session;
mod sessions;

use std::{path::PathBuf, process::ExitCode};

use self::bounds::Bounds;
use crate::{Settings, cli::Configured};

/// Run cells in sandboxed kernels
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Speak JSON lines on stdin and stdout (docs/reference/kernel-serve.md)
    Serve(Serve),
    /// Type cells; an empty line runs what was typed
    Repl(Repl),
}

#[derive(clap::Args)]
struct Serve {
    /// The only protocol there is
    #[arg(long, required = true)]
    jsonl: bool,
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    configured: Configured,
}

#[derive(clap::Args)]
struct Repl {
    /// Where shown pictures are saved
    #[arg(long, value_name = "DIR", default_value = "spatialclaw-out")]
    out: PathBuf,
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    configured: Configured,
}

impl Args {
    pub(crate) fn configured(&self) -> Configured {
        match &self.command {
            Command::Serve(serve) => serve.configured.clone(),
            Command::Repl(repl) => repl.configured.clone(),
        }
    }
}

pub(crate) async fn kernel(args: Args, mut settings: Settings) -> anyhow::Result<ExitCode> {
    let bounds = match &args.command {
        Command::Serve(serve) => serve.bounds.clone(),
        Command::Repl(repl) => repl.bounds.clone().with_images(),
    };
    bounds.apply(&mut settings);
    let mut house = house::House::open(&settings).await?;
    let sessions = sessions::Sessions::new(house.desk(&bounds));
    let outcome = {
        let work = async {
            match args.command {
                Command::Serve(_) => jsonl::serve(sessions).await,
                Command::Repl(repl) => repl::run(sessions, &repl.out).await,
            }
        };
        tokio::select! {
            outcome = work => outcome,
            error = house.failed() => Err(error),
        }
    };
    house.close(settings.process.drain_deadline).await;
    outcome.map(|()| ExitCode::SUCCESS)
}
