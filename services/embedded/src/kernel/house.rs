//! Everything cells talk to, in this process: a bus, the sensor pod, perception, the executor.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use spatialclaw_bus::{self as bus, Bus};
use spatialclaw_domain::Question;
use spatialclaw_inference::{self as inference, EngineKind};
use spatialclaw_models::pod;
use spatialclaw_runtime::{Readiness, Service};

use super::{bounds::Bounds, sample, session::Desk};
use crate::Settings;

pub(super) struct House {
    bus: Bus,
    question: Question,
    pod: Box<dyn Service>,
    perception: Box<dyn Service>,
    executor: Box<dyn Service>,
    _artifacts: tempfile::TempDir,
}

impl House {
    pub(super) async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let artifacts = tempfile::tempdir().context("make a folder for pictures")?;
        let on_bus = bus::Config {
            nats: None,
            path: None,
            artifacts: artifacts.path().display().to_string(),
            ..settings.bus.clone()
        };
        let bus = Bus::connect(&on_bus, "kernel").await.context("open the bus")?;
        let readiness = Readiness::default();
        let (pod, address) = sensor(settings, &readiness).await?;
        let mut pods = settings.pods.clone();
        pods.endpoints.insert(0, pod::Endpoint::at(format!("http://{address}")));
        let pods = pod::Pods::connect(&pods)?;
        let perception = spatialclaw_perception::spawn(bus.clone(), pods, settings.perception.clone())
            .await
            .context("start perception")?;
        let executor = spatialclaw_executor::spawn(bus.clone(), settings.executor.clone(), readiness)
            .await
            .context("start the executor")?;
        let question = sample::question(&bus, &settings.ingest).await.context("read the sample")?;
        Ok(Self {
            bus,
            question,
            pod,
            perception: Box::new(perception),
            executor: Box::new(executor),
            _artifacts: artifacts,
        })
    }

    pub(super) fn desk(&self, bounds: &Bounds) -> Arc<Desk> {
        Arc::new(Desk { bus: self.bus.clone(), question: self.question.clone(), bounds: bounds.clone() })
    }

    pub(super) async fn failed(&mut self) -> anyhow::Error {
        tokio::select! {
            error = self.executor.failed() => error.context("the executor can no longer work"),
            error = self.perception.failed() => error.context("perception can no longer work"),
            error = self.pod.failed() => error.context("the sensor pod can no longer work"),
        }
    }

    pub(super) async fn close(self, deadline: Duration) {
        self.executor.drain(deadline).await;
        self.perception.drain(deadline).await;
        self.pod.drain(deadline).await;
    }
}

async fn sensor(
    settings: &Settings,
    readiness: &Readiness,
) -> anyhow::Result<(Box<dyn Service>, SocketAddr)> {
    let config = inference::Config {
        engine: EngineKind::Sensor,
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..settings.inference.clone()
    };
    let pod = inference::spawn(config, readiness.clone()).await.context("start the sensor pod")?;
    let address = pod.address();
    Ok((Box::new(pod), address))
}
