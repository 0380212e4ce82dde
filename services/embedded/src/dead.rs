//! `spatialclaw dead`: jobs nobody could do.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Subcommand, ValueEnum};
use spatialclaw_bus::{Bus, Queue};

use crate::{Settings, cli::Configured, tell};

/// List or replay jobs that nobody could do.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    /// NATS server; left out, the store of a `serve` that has ended: --set bus.path=DIR, or DIR/state of a `run`
    #[arg(long, value_name = "URL", global = true)]
    nats: Option<String>,
    #[command(flatten)]
    pub(crate) configured: Configured,
}

#[derive(Subcommand)]
enum Command {
    /// List them, oldest first, one JSON object a line
    List {
        /// Which queue
        queue: QueueName,
        /// How many at most
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Put one back on its queue with all its deliveries
    Replay {
        /// Which queue
        queue: QueueName,
        /// Its id, as `list` prints it
        id: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum QueueName {
    Plan,
    Solve,
}

impl From<QueueName> for Queue {
    fn from(name: QueueName) -> Self {
        match name {
            QueueName::Plan => Self::Plan,
            QueueName::Solve => Self::Solve,
        }
    }
}

pub(crate) async fn dead(args: Args, mut settings: Settings) -> anyhow::Result<ExitCode> {
    if args.nats.is_some() {
        settings.bus.nats = args.nats;
    }
    check(&settings.bus)?;
    let bus = Bus::connect(&settings.bus, "dead").await.context("open the bus")?;
    match args.command {
        Command::List { queue, limit } => {
            let jobs = bus.dead(queue.into(), limit).await?;
            if jobs.is_empty() {
                tell::err("no dead jobs on this queue");
            }
            for job in jobs {
                tell::out(
                    serde_json::json!({ "id": job.id, "attempts": job.attempts, "reason": job.reason }),
                )?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Replay { queue, id } => {
            if bus.revive(queue.into(), &id).await? {
                tell::out(format!("{id} is on its queue again, with all its deliveries"))?;
                Ok(ExitCode::SUCCESS)
            } else {
                tell::err(format!("no dead job of this queue has the id {id}"));
                Ok(ExitCode::from(1))
            }
        }
    }
}

/// A store that is not there would be made, and found empty.
fn check(bus: &spatialclaw_bus::Config) -> anyhow::Result<()> {
    match (&bus.nats, &bus.path) {
        (Some(_), _) => Ok(()),
        (None, None) => bail!("whose jobs? give --nats URL, or --set bus.path=DIR"),
        (None, Some(path)) if !path.is_dir() => bail!("{} is no folder (bus.path)", path.display()),
        (None, Some(_)) => Ok(()),
    }
}
