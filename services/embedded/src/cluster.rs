//! Every actor on one bus.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use async_trait::async_trait;
use futures::future::select_all;
use spatialclaw_bus::Bus;
use spatialclaw_gateway::Gateway;
use spatialclaw_inference::{self as inference, EngineKind};
use spatialclaw_models::{backbone, pod};
use spatialclaw_runtime::{Readiness, Service};
use tokio::time::Instant;

use crate::Settings;

type Services = Vec<(&'static str, Box<dyn Service>)>;

/// Planner, codegen, executor, perception and their pods, running in this process.
pub struct Embedded {
    gateway: Gateway,
    /// In the order of starting: what others depend on first.
    services: Services,
}

impl Embedded {
    /// Opens the bus of `settings` and spawns every actor on it.
    ///
    /// # Errors
    /// Names the part that could not start and why.
    pub async fn start(settings: &Settings, readiness: &Readiness) -> anyhow::Result<Self> {
        let bus = Bus::connect(&settings.bus, "embedded").await.context("open the bus")?;
        let mut services = Services::new();
        let pods = pods(settings, readiness, &mut services).await?;
        let perception = spatialclaw_perception::spawn(bus.clone(), pods, settings.perception.clone())
            .await
            .context("start perception")?;
        services.push(("perception", Box::new(perception)));
        let executor = spatialclaw_executor::spawn(bus.clone(), settings.executor.clone(), readiness.clone())
            .await
            .context("start the executor")?;
        services.push(("executor", Box::new(executor)));
        let model =
            backbone::connect(&settings.backbone, bus.artifacts().clone()).context("open the backbone")?;
        let codegen = spatialclaw_codegen::spawn(bus.clone(), model.clone(), settings.codegen.clone())
            .await
            .context("start codegen")?;
        services.push(("codegen", Box::new(codegen)));
        let planner = spatialclaw_planner::spawn(bus.clone(), model, settings.planner.clone())
            .await
            .context("start the planner")?;
        services.push(("planner", Box::new(planner)));
        Ok(Self { gateway: Gateway::new(bus), services })
    }

    /// The front door.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Adds something that drains before the actors do, e.g. HTTP.
    pub(crate) fn add(&mut self, name: &'static str, service: impl Service) {
        self.services.push((name, Box::new(service)));
    }
}

/// The pods of this process, around the configured ones: measurements are served first, OpenCV answers last.
async fn pods(
    settings: &Settings,
    readiness: &Readiness,
    services: &mut Services,
) -> anyhow::Result<pod::Pods> {
    let sensor = spawn_pod(EngineKind::Sensor, settings, readiness, services).await?;
    let mut config = settings.pods.clone();
    config.endpoints.insert(0, sensor);
    if above(&settings.inference.models).is_dir() {
        config.endpoints.push(spawn_pod(EngineKind::Cpu, settings, readiness, services).await?);
    } else {
        tracing::warn!(
            models = %settings.inference.models.display(),
            "bare photographs cannot be looked at: `cargo xtask setup` fetches the models for that (inference.models)"
        );
    }
    Ok(pod::Pods::connect(&config)?)
}

async fn spawn_pod(
    engine: EngineKind,
    settings: &Settings,
    readiness: &Readiness,
    services: &mut Services,
) -> anyhow::Result<pod::Endpoint> {
    let config = inference::Config {
        engine,
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        models: above(&settings.inference.models),
        python: above(&settings.inference.python),
        ..settings.inference.clone()
    };
    let pod = inference::spawn(config, readiness.clone())
        .await
        .with_context(|| format!("start the {engine:?} pod"))?;
    let endpoint = pod::Endpoint::at(format!("http://{}", pod.address()));
    services.push(("inference", Box::new(pod)));
    Ok(endpoint)
}

/// A relative path as seen from the working directory, else from the executable or a directory above it.
fn above(path: &Path) -> PathBuf {
    if path.is_absolute() || path.exists() {
        return path.to_owned();
    }
    let executable = std::env::current_exe().unwrap_or_default();
    let found = executable.ancestors().map(|folder| folder.join(path)).find(|place| place.exists());
    found.unwrap_or_else(|| path.to_owned())
}

#[async_trait]
impl Service for Embedded {
    async fn failed(&mut self) -> anyhow::Error {
        let failures = self.services.iter_mut().map(|(name, service)| {
            Box::pin(async move { service.failed().await.context(format!("{name} can no longer work")) })
        });
        select_all(failures).await.0
    }

    async fn drain(self: Box<Self>, deadline: Duration) {
        drain(self.services, deadline).await;
    }
}

/// Drains one after the other, the last first. Each may take an equal part of the time that is left, so none that
/// hangs leaves the others nothing, and what one does not need is there for those after it.
async fn drain(mut services: Services, deadline: Duration) {
    let ends = Instant::now() + deadline;
    while let Some((name, service)) = services.pop() {
        let left = ends.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(services.len() + 1).unwrap_or(u32::MAX);
        tracing::debug!(?share, "draining {name}");
        service.drain(share).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Takes so much of its time and says how much it had.
    struct Slow(f64, Arc<Mutex<Vec<Duration>>>);

    #[async_trait]
    impl Service for Slow {
        async fn drain(self: Box<Self>, deadline: Duration) {
            self.1.lock().unwrap().push(deadline);
            tokio::time::sleep(deadline.mul_f64(self.0)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_hangs_leaves_the_others_their_time() {
        let shares = Arc::default();
        let slow = |part| Box::new(Slow(part, Arc::clone(&shares))) as Box<dyn Service>;
        let services = vec![("a", slow(0.0)), ("b", slow(1.0)), ("c", slow(0.0)), ("d", slow(1.0))];
        drain(services, Duration::from_secs(40)).await;
        let seconds: Vec<_> = shares.lock().unwrap().iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, [10, 10, 15, 15]);
    }
}
