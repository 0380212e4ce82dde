//! What a carrier carries: headers and bytes.
//!
//! | header | on | meaning |
//! |---|---|---|
//! | `traceparent`, `tracestate` | asks, jobs | W3C trace context of the sender's span, if it has one |
//! | `id` | jobs | the job's id |
//! | `fault` | replies | the fault's kind; the body is then a `session.v1.Fault` |

use std::{collections::BTreeMap, str::FromStr};

use bytes::Bytes;
use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt, TraceState},
};
use prost::Message;
use spatialclaw_domain::{Fault, FaultKind};
use spatialclaw_proto::session::v1 as wire;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Largest body of a message, in bytes: a NATS server takes 1 MiB with headers. Larger things are artifacts.
pub const MAX_BODY: usize = 900 * 1024;

/// Longest header value, in bytes.
const MAX_LINE: usize = 2048;

pub(crate) const ID: &str = "id";
const FAULT: &str = "fault";
const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// Headers and a body; the same on every carrier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Header names are lower case.
    pub headers: BTreeMap<String, String>,
    /// An encoded message.
    pub body: Bytes,
}

impl Envelope {
    /// The W3C trace context of the current span, if it has one.
    pub fn current_traceparent() -> Option<String> {
        current_context().map(|context| traceparent(&context))
    }

    /// Makes `span` a child of the span that `traceparent` names; does nothing for text that names none.
    pub fn set_parent(span: &Span, traceparent: &str) {
        set_parent(span, traceparent, "");
    }

    /// `message`, in the trace of the current span.
    pub(crate) fn carrying(message: &impl Message) -> Self {
        let mut envelope = Self { headers: BTreeMap::new(), body: message.encode_to_vec().into() };
        if let Some(context) = current_context() {
            envelope.set(TRACEPARENT, traceparent(&context));
            let state = context.trace_state().header();
            if !state.is_empty() {
                envelope.set(TRACESTATE, state);
            }
        }
        envelope
    }

    pub(crate) fn of_reply(reply: Result<Bytes, Fault>) -> Self {
        match reply {
            Ok(body) => Self { headers: BTreeMap::new(), body },
            Err(fault) => Self {
                headers: BTreeMap::from([(FAULT.to_owned(), fault.kind.as_str().to_owned())]),
                body: wire::Fault::from(fault).encode_to_vec().into(),
            },
        }
    }

    pub(crate) fn into_reply(self) -> Result<Bytes, Fault> {
        if !self.headers.contains_key(FAULT) {
            return Ok(self.body);
        }
        match wire::Fault::decode(self.body) {
            Ok(fault) => Err(fault.into()),
            Err(error) => {
                Err(Fault::new(FaultKind::Internal, format!("unreadable fault in a reply: {error}")))
            }
        }
    }

    /// Makes `span` continue the sender's trace.
    pub(crate) fn continue_trace(&self, span: &Span) {
        if let Some(parent) = self.headers.get(TRACEPARENT) {
            set_parent(span, parent, self.headers.get(TRACESTATE).map_or("", String::as_str));
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.headers.insert(name.to_owned(), value.into());
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// `text` without line breaks and cut to [`MAX_LINE`] bytes, as a header can have it.
pub(crate) fn one_line(text: &str) -> String {
    let mut length = 0;
    let fits = |c: &char| {
        length += c.len_utf8();
        length <= MAX_LINE
    };
    text.chars().take_while(fits).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn current_context() -> Option<SpanContext> {
    let context = Span::current().context().span().span_context().clone();
    context.is_valid().then_some(context)
}

fn traceparent(context: &SpanContext) -> String {
    format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8())
}

fn set_parent(span: &Span, traceparent: &str, tracestate: &str) {
    let Some(parent) = parse_traceparent(traceparent, tracestate) else { return };
    if let Err(error) = span.set_parent(Context::new().with_remote_span_context(parent)) {
        // No OpenTelemetry layer, or this span is filtered out: there is no trace to join.
        tracing::trace!(%error, "not joining the sender's trace");
    }
}

/// Versions above 00 are read as 00, as the specification wants; extra fields are ignored.
fn parse_traceparent(text: &str, tracestate: &str) -> Option<SpanContext> {
    let mut fields = text.split('-');
    let (version, trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    if version.len() != 2 || version == "ff" || trace.len() != 32 || span.len() != 16 || flags.len() != 2 {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::from_str(tracestate).unwrap_or_default(),
    );
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_fault_travels_whole() {
        let fault = Fault::new(FaultKind::Exhausted, "all kernels are leased")
            .retry_after(Duration::from_millis(250));
        assert_eq!(Envelope::of_reply(Err(fault.clone())).into_reply(), Err(fault));
        let body = Bytes::from_static(b"body");
        assert_eq!(Envelope::of_reply(Ok(body.clone())).into_reply(), Ok(body));
    }

    #[test]
    fn header_values_are_one_short_line() {
        assert_eq!(one_line("a\r\nb"), "a  b");
        assert_eq!(one_line(&"ü".repeat(5000)).len(), MAX_LINE);
    }

    #[test]
    fn traceparents_are_read_strictly() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = parse_traceparent(text, "vendor=1").unwrap();
        assert_eq!(traceparent(&context), text);
        assert_eq!(context.trace_state().header(), "vendor=1");
        for bad in ["", "00", "00-0af7-b7ad-01", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"] {
            assert!(parse_traceparent(bad, "").is_none(), "{bad}");
        }
        let zero = format!("00-{}-b7ad6b7169203331-01", "0".repeat(32));
        assert!(parse_traceparent(&zero, "").is_none());
    }

    #[test]
    fn without_a_telemetry_layer_nothing_is_injected() {
        assert_eq!(Envelope::current_traceparent(), None);
        let fault = wire::Fault::default();
        assert!(Envelope::carrying(&fault).headers.is_empty());
        Envelope::set_parent(
            &tracing::info_span!("x"),
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        );
    }
}
