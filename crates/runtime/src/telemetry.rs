//! Logs to stderr, spans to an OTLP collector.
//!
//! Spans are batched in a queue of 65 536: the default of 2 048 loses spans in
//! bursts. Sampling is decided at the root and inherited, so a kept trace is whole.

use std::io::IsTerminal;

use anyhow::Context as _;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider},
};
use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt};

use crate::process::{Config, LogFormat};

const SPAN_QUEUE: usize = 65_536;

/// Flushes spans when the process ends. Call [`Guard::flush`] before leaving.
#[must_use = "spans still queued are lost if this is dropped early"]
pub struct Guard(Option<SdkTracerProvider>);

impl Guard {
    /// Sends what is still queued; waits for the collector no longer than the exporter's own deadline.
    pub async fn flush(self) {
        let Some(provider) = self.0 else { return };
        let flushed = tokio::task::spawn_blocking(move || provider.shutdown()).await;
        match flushed {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "some spans were not exported"),
            Err(error) => tracing::warn!(%error, "the span exporter ended badly"),
        }
    }
}

/// Installs the process-wide subscriber. Call once, inside the async runtime.
///
/// # Errors
/// If the log filter or the endpoint cannot be read, or a subscriber is already installed.
pub fn init(config: &Config, service: &'static str) -> anyhow::Result<Guard> {
    let provider = config.otlp_endpoint.as_deref().map(|url| provider(config, service, url)).transpose()?;
    // Spans are recorded at info and above whatever the log filter says: a quiet log must not thin out traces.
    let spans = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("spatialclaw"))
            .with_filter(EnvFilter::new("warn,spatialclaw=info"))
    });
    Registry::default()
        .with(logs(config)?)
        .with(spans)
        .try_init()
        .context("a tracing subscriber is already installed")?;
    Ok(Guard(provider))
}

fn logs<S>(config: &Config) -> anyhow::Result<Box<dyn Layer<S> + Send + Sync>>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let filter = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_else(|_| config.log.clone());
    let filter = EnvFilter::try_new(&filter).with_context(|| format!("log filter `{filter}`"))?;
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    Ok(match config.log_format {
        LogFormat::Json => layer.json().with_filter(filter).boxed(),
        LogFormat::Text => layer.with_ansi(std::io::stderr().is_terminal()).with_filter(filter).boxed(),
    })
}

fn provider(config: &Config, service: &'static str, url: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(url)
        .build()
        .with_context(|| format!("OTLP endpoint `{url}`"))?;
    let batch = BatchConfigBuilder::default().with_max_queue_size(SPAN_QUEUE).build();
    let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batch).build();
    let resource = Resource::builder()
        .with_service_name(format!("spatialclaw-{service}"))
        .with_attribute(KeyValue::new("service.namespace", "spatialclaw"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", std::process::id().to_string()))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.trace_ratio))))
        .with_resource(resource)
        .build())
}
