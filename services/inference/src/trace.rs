//! The caller's trace, out of gRPC metadata.

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::metadata::{KeyRef, MetadataMap};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Makes `span` part of the caller's trace, if the caller has one.
pub(crate) fn adopt(span: &Span, metadata: &MetadataMap) {
    let parent = TraceContextPropagator::new().extract(&Headers(metadata));
    // Fails only where no telemetry is installed: then there is no trace to join.
    let _ = span.set_parent(parent);
}

struct Headers<'a>(&'a MetadataMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0
            .keys()
            .filter_map(|key| match key {
                KeyRef::Ascii(key) => Some(key.as_str()),
                KeyRef::Binary(_) => None,
            })
            .collect()
    }
}
