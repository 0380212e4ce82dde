//! `spatialclaw dead`: jobs nobody could do.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use spatialclaw_bus::{Bus, Queue};

use crate::{Settings, cli::Configured};

/// List or replay jobs that nobody could do.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    /// NATS server; left out, the store that bus.path names
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
    let bus = Bus::connect(&settings.bus, "dead").await.context("open the bus")?;
    match args.command {
        Command::List { queue, limit } => {
            for job in bus.dead(queue.into(), limit).await? {
                println!(
                    "{}",
                    serde_json::json!({ "id": job.id, "attempts": job.attempts, "reason": job.reason })
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Replay { queue, id } => {
            if bus.revive(queue.into(), &id).await? {
                println!("{id} is on its queue again");
                Ok(ExitCode::SUCCESS)
            } else {
                eprintln!("no dead job of this queue has the id {id}");
                Ok(ExitCode::from(1))
            }
        }
    }
}
