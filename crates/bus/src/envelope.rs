//! What a carrier carries: headers and bytes.

use std::collections::BTreeMap;

use bytes::Bytes;
use tracing::Span;

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
        todo!()
    }

    /// Makes `span` a child of the span that `traceparent` names; does nothing for text that names none.
    pub fn set_parent(_span: &Span, _traceparent: &str) {
        todo!()
    }
}
