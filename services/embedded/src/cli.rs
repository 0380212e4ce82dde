//! What can be typed.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use spatialclaw_runtime::{config, telemetry};

use crate::{ask, dead, kernel, run, serve, settings::Settings};

#[derive(Parser)]
#[command(name = "spatialclaw", version, about = "Answers spatial questions about images and video")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Answer one question
    Ask(ask::Args),
    /// Answer every row of a manifest
    Run(run::Args),
    /// Serve everything in this process behind HTTP, or one role on NATS
    Serve(serve::Args),
    /// List or replay jobs that nobody could do
    Dead(dead::Args),
    /// Run cells in sandboxed kernels, without a question
    Kernel(kernel::Args),
}

impl Command {
    pub(crate) fn execute(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Ask(args) => args.configured.clone().run(|settings| ask::ask(args, settings)),
            Self::Run(args) => args.configured.clone().run(|settings| run::run(args, settings)),
            Self::Serve(args) => serve::serve(args),
            Self::Dead(args) => args.configured.clone().run(|settings| dead::dead(args, settings)),
            Self::Kernel(args) => args.configured().run(|settings| kernel::kernel(args, settings)),
        }
    }
}

/// Where the configuration comes from.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Configured {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Override one value; may be repeated
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE", value_parser = config::parse_set)]
    pub(crate) sets: Vec<(String, String)>,
    /// Print the configuration in force as TOML and leave
    #[arg(long)]
    pub(crate) print_config: bool,
}

impl Configured {
    /// Loads the settings and runs `command` with them, telemetry installed and flushed.
    fn run<Fut>(self, command: impl FnOnce(Settings) -> Fut) -> anyhow::Result<ExitCode>
    where
        Fut: Future<Output = anyhow::Result<ExitCode>>,
    {
        let settings: Settings = config::load(&config::Sources { file: self.config, sets: self.sets })?;
        if self.print_config {
            print!("{}", config::print(&settings)?);
            return Ok(ExitCode::SUCCESS);
        }
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(async {
            let telemetry = telemetry::init(&settings.process, "embedded")?;
            let outcome = command(settings).await;
            telemetry.flush().await;
            outcome
        })
    }
}
