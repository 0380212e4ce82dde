//! What can be typed.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use spatialclaw_runtime::{config, telemetry};

use crate::{ask, dead, kernel, run, serve, settings::Settings, tell};

/// Exit status of a command that a signal ended.
pub(crate) const INTERRUPTED: u8 = 130;

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
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Override one value; may be repeated
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE", value_parser = config::parse_set, global = true)]
    pub(crate) sets: Vec<(String, String)>,
    /// Print the configuration in force as TOML and leave
    #[arg(long, global = true)]
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
            tell::out(config::print(&settings)?.trim_end())?;
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn what_can_be_typed_makes_sense() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_configuration_is_printed_without_anything_to_do() {
        for command in ["ask", "run", "serve"] {
            let cli = Cli::try_parse_from(["spatialclaw", command, "--print-config"]);
            assert!(cli.is_ok(), "{command}: {}", cli.err().unwrap());
        }
        for command in ["ask", "run"] {
            assert!(Cli::try_parse_from(["spatialclaw", command]).is_err(), "{command}");
        }
    }
}
