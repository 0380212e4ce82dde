//! `spatialclaw serve`: everything behind HTTP, or one role on NATS.

use std::{ffi::OsString, process::ExitCode};

use anyhow::bail;
use clap::ValueEnum;
use spatialclaw_runtime::{Context, config, service};

use crate::{Embedded, Settings, cli::Configured, tell};

const EXAMPLES: &str = "\
Examples:
  spatialclaw serve --set bus.path=.data/state
  spatialclaw serve executor --nats nats://127.0.0.1:4222

SIGTERM or Ctrl-C drains: work in flight is finished or given back. A second one leaves at once.";

/// Serve everything in this process behind HTTP, or one role on NATS.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// One role instead of everything
    role: Option<Role>,
    /// NATS server, e.g. nats://127.0.0.1:4222
    #[arg(long, value_name = "URL")]
    nats: Option<String>,
    #[command(flatten)]
    configured: Configured,
}

/// What can be deployed alone.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    /// HTTP: submit, follow, result, cancel, report
    Gateway,
    /// Question in, plan out
    Planner,
    /// Owns a question from plan to answer
    Codegen,
    /// Leases Python kernels and runs cells
    Executor,
    /// Routes, joins and caches perception calls
    Perception,
    /// A perception pod; it speaks gRPC and needs no NATS
    Inference,
}

pub(crate) fn serve(args: Args) -> anyhow::Result<ExitCode> {
    match args.role {
        Some(role) => {
            args.check(role)?;
            Ok(role.main(args.as_service()))
        }
        None => everything(args),
    }
}

impl Args {
    /// A role that is alone on a bus of its own would wait for ever.
    fn check(&self, role: Role) -> anyhow::Result<()> {
        if self.nats.is_some() || self.configured.print_config || matches!(role, Role::Inference) {
            return Ok(());
        }
        let Configured { config: file, sets, .. } = self.configured.clone();
        let settings: Settings = config::load(&config::Sources { file, sets })?;
        if settings.bus.nats.is_none() {
            bail!("one role alone needs NATS to meet the others: give --nats URL, or set bus.nats");
        }
        Ok(())
    }

    /// The arguments as the role's own binary takes them.
    fn as_service(&self) -> Vec<OsString> {
        let mut service: Vec<OsString> = vec!["spatialclaw".into()];
        if let Some(file) = &self.configured.config {
            service.extend(["--config".into(), file.into()]);
        }
        let nats = self.nats.iter().map(|url| ("bus.nats".to_owned(), url.clone()));
        // The pod has no bus section.
        let nats = nats.filter(|_| !matches!(self.role, Some(Role::Inference)));
        for (key, value) in nats.chain(self.configured.sets.iter().cloned()) {
            service.extend(["--set".into(), format!("{key}={value}").into()]);
        }
        if self.configured.print_config {
            service.push("--print-config".into());
        }
        service
    }
}

impl Role {
    fn main(self, args: Vec<OsString>) -> ExitCode {
        match self {
            Self::Gateway => spatialclaw_gateway::main(args),
            Self::Planner => spatialclaw_planner::main(args),
            Self::Codegen => spatialclaw_codegen::main(args),
            Self::Executor => spatialclaw_executor::main(args),
            Self::Perception => spatialclaw_perception::main(args),
            Self::Inference => spatialclaw_inference::main(args),
        }
    }
}

fn everything(args: Args) -> anyhow::Result<ExitCode> {
    let sources = config::Sources { file: args.configured.config, sets: args.configured.sets };
    let mut settings: Settings = config::load(&sources)?;
    if args.nats.is_some() {
        settings.bus.nats = args.nats;
    }
    if args.configured.print_config {
        tell::out(config::print(&settings)?.trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    if settings.bus.nats.is_none() && settings.bus.path.is_none() {
        bail!("nowhere to keep questions: give --set bus.path=DIR, or --nats URL");
    }
    tokio::runtime::Runtime::new()?.block_on(service::run("embedded", settings, start))?;
    Ok(ExitCode::SUCCESS)
}

async fn start(cx: Context<Settings>) -> anyhow::Result<Embedded> {
    let mut cluster = Embedded::start(&cx.config, &cx.readiness).await?;
    let http = spatialclaw_gateway::spawn(
        cluster.gateway().clone(),
        cx.config.gateway.clone(),
        cx.config.ingest.clone(),
        cx.readiness.clone(),
    )
    .await?;
    cx.listens("http", http.address());
    tell::err(format!("serving on http://{} (API: /openapi.json); Ctrl-C ends it", http.address()));
    cluster.add("gateway", http);
    Ok(cluster)
}
