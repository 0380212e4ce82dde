//! What every service's `main` does.
//!
//! ```text
//! flags → config → telemetry → start actors → ready ──signal──→ drain → flush → 0
//!                     │             │            └──failure──→ drain → flush → 1
//!                     └─────────────┴── error ─────────────────────────────→ 1
//! ```

use std::{
    collections::BTreeMap, ffi::OsString, future::Future, net::SocketAddr, path::PathBuf, process::ExitCode,
    sync::Arc, sync::Mutex, sync::PoisonError, time::Duration,
};

use anyhow::Context as _;
use async_trait::async_trait;
use clap::Parser;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Readiness, Shutdown, config, health, process, telemetry};

/// A running set of actors.
#[async_trait]
pub trait Service: Send + 'static {
    /// Resolves when the actors can no longer do their work, saying why; pending for ever otherwise.
    async fn failed(&mut self) -> anyhow::Error {
        std::future::pending().await
    }

    /// Takes no new work, finishes what is in flight, gives the rest back within `deadline`.
    async fn drain(self: Box<Self>, deadline: Duration);
}

/// A configuration with a `process` section.
pub trait ProcessConfig: Default + Serialize + DeserializeOwned {
    /// The section.
    fn process(&self) -> &process::Config;
}

/// What a starting service is given.
pub struct Context<C> {
    /// Validated configuration.
    pub config: C,
    /// Where to state what readiness depends on.
    pub readiness: Readiness,
    /// When to stop.
    pub shutdown: Shutdown,
    endpoints: Endpoints,
}

impl<C> Context<C> {
    /// Says where something listens: logged, and written to the ready file.
    pub fn listens(&self, name: &str, address: SocketAddr) {
        self.endpoints.add(name, address);
    }
}

#[derive(Clone, Default)]
struct Endpoints(Arc<Mutex<BTreeMap<String, String>>>);

impl Endpoints {
    fn add(&self, name: &str, address: SocketAddr) {
        tracing::info!(%address, "{name} listens");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), address.to_string());
    }

    fn to_json(&self) -> anyhow::Result<Vec<u8>> {
        Ok(serde_json::to_vec(&*self.0.lock().unwrap_or_else(PoisonError::into_inner))?)
    }
}

#[derive(Parser)]
#[command(version, about = "A service of SpatialClaw Cluster")]
struct Flags {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Override one value; may be repeated
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE", value_parser = config::parse_set)]
    sets: Vec<(String, String)>,
    /// Print the configuration in force as TOML and leave
    #[arg(long)]
    print_config: bool,
}

/// Runs a service from its arguments (the program's name first) to its exit code.
pub fn main<C, S, F, Fut>(name: &'static str, args: impl IntoIterator<Item = OsString>, start: F) -> ExitCode
where
    C: ProcessConfig,
    S: Service,
    F: FnOnce(Context<C>) -> Fut,
    Fut: Future<Output = anyhow::Result<S>>,
{
    let flags = Flags::parse_from(args);
    let sources = config::Sources { file: flags.config, sets: flags.sets };
    match load_and_run(name, &sources, flags.print_config, start) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("spatialclaw-{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn load_and_run<C, S, F, Fut>(
    name: &'static str,
    sources: &config::Sources,
    print: bool,
    start: F,
) -> anyhow::Result<()>
where
    C: ProcessConfig,
    S: Service,
    F: FnOnce(Context<C>) -> Fut,
    Fut: Future<Output = anyhow::Result<S>>,
{
    let config: C = config::load(sources)?;
    if print {
        print!("{}", config::print(&config)?);
        return Ok(());
    }
    tokio::runtime::Runtime::new().context("start the async runtime")?.block_on(run(name, config, start))
}

/// Runs a service inside an existing runtime until a signal or a failure.
///
/// # Errors
/// If it cannot start, or if it fails while running.
pub async fn run<C, S, F, Fut>(name: &'static str, config: C, start: F) -> anyhow::Result<()>
where
    C: ProcessConfig,
    S: Service,
    F: FnOnce(Context<C>) -> Fut,
    Fut: Future<Output = anyhow::Result<S>>,
{
    let process = config.process().clone();
    let telemetry = telemetry::init(&process, name)?;
    let outcome = live(name, config, &process, start).await;
    telemetry.flush().await;
    outcome
}

async fn live<C, S, F, Fut>(
    name: &'static str,
    config: C,
    process: &process::Config,
    start: F,
) -> anyhow::Result<()>
where
    C: ProcessConfig,
    S: Service,
    F: FnOnce(Context<C>) -> Fut,
    Fut: Future<Output = anyhow::Result<S>>,
{
    let shutdown = Shutdown::on_signals().context("install signal handlers")?;
    let readiness = Readiness::default();
    readiness.set("started", false, "starting");
    let endpoints = Endpoints::default();
    if let Some(listen) = process.health_listen {
        let address = health::serve(listen, readiness.clone(), shutdown.clone())
            .await
            .with_context(|| format!("listen on {listen} (process.health_listen)"))?;
        endpoints.add("health", address);
    }
    let context = Context {
        config,
        readiness: readiness.clone(),
        shutdown: shutdown.clone(),
        endpoints: endpoints.clone(),
    };
    let mut service = tokio::select! {
        started = start(context) => started?,
        () = shutdown.begun() => return Ok(()),
    };
    readiness.set("started", true, "running");
    if let Some(file) = &process.ready_file {
        write_ready_file(file, &endpoints.to_json()?)?;
    }
    tracing::info!("{name} is ready");
    let failure = tokio::select! {
        () = shutdown.begun() => None,
        error = service.failed() => Some(error),
    };
    readiness.set("started", false, "draining");
    tracing::info!(deadline = ?process.drain_deadline, "draining");
    Box::new(service).drain(process.drain_deadline).await;
    failure.map_or(Ok(()), Err)
}

/// Published by rename, so that a reader never sees half of it.
fn write_ready_file(file: &std::path::Path, json: &[u8]) -> anyhow::Result<()> {
    let draft = file.with_extension("tmp");
    std::fs::write(&draft, json)
        .and_then(|()| std::fs::rename(&draft, file))
        .with_context(|| format!("write {} (process.ready_file)", file.display()))
}
