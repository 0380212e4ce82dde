//! What a scenario stands on.

use std::{future::Future, path::PathBuf, sync::OnceLock, time::Duration};

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use spatialclaw_bus::{Bus, Config};
use spatialclaw_domain::{Event, EventKind};
use spatialclaw_proto::session::v1::Plan;
use spatialclaw_tests::nats::NatsServer;
use tempfile::TempDir;
use tracing_subscriber::layer::SubscriberExt as _;

/// No scenario may take longer: a bus that hangs is a failure, not a long test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A bus of one's own.
pub(crate) struct World {
    pub(crate) bus: Bus,
    pub(crate) config: Config,
    pub(crate) server: Option<NatsServer>,
    folder: TempDir,
}

impl World {
    pub(crate) async fn local() -> anyhow::Result<Self> {
        Self::new(None, |_| {}).await
    }

    pub(crate) async fn nats() -> anyhow::Result<Self> {
        Self::new(Some(NatsServer::start().await?), |_| {}).await
    }

    pub(crate) async fn new(
        server: Option<NatsServer>,
        change: impl FnOnce(&mut Config),
    ) -> anyhow::Result<Self> {
        trace();
        let folder = tempfile::tempdir()?;
        let mut config = Config {
            nats: server.as_ref().map(NatsServer::url),
            artifacts: folder.path().join("artifacts").display().to_string(),
            ack_wait: Duration::from_secs(1),
            max_deliveries: 2,
            max_queued: 3,
            ..Config::default()
        };
        change(&mut config);
        let bus = Bus::connect(&config, "test").await?;
        Ok(Self { bus, config, server, folder })
    }

    pub(crate) fn artifacts(&self) -> PathBuf {
        self.folder.path().join("artifacts")
    }

    /// A second client: another connection over NATS, the same bus in process.
    pub(crate) async fn other(&self) -> anyhow::Result<Bus> {
        match self.config.nats {
            Some(_) => Ok(Bus::connect(&self.config, "other").await?),
            None => Ok(self.bus.clone()),
        }
    }
}

pub(crate) async fn in_time(scenario: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::time::timeout(PATIENCE, scenario).await.context("the scenario hangs")?
}

/// Spans with trace ids, exported nowhere.
fn trace() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    });
}

/// The trace of a `traceparent`.
pub(crate) fn trace_id(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap_or_default()
}

/// A message that says `text`; request, reply and job alike.
pub(crate) fn say(text: &str) -> Plan {
    Plan { text: text.to_owned(), ..Plan::default() }
}

/// A journal entry that says `text`.
pub(crate) fn entry(text: &str) -> Event {
    Event { at_unix_ms: 1, kind: EventKind::Cancelled { reason: text.to_owned() } }
}

pub(crate) fn text(event: &Event) -> &str {
    match &event.kind {
        EventKind::Cancelled { reason } => reason,
        other => other.name(),
    }
}
