//! Envelopes as NATS messages.

use async_nats::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use crate::{Envelope, envelope::one_line};

/// A header's value has no line breaks and no great length.
pub(super) fn value(text: &str) -> HeaderValue {
    HeaderValue::from(one_line(text))
}

pub(super) fn headers(envelope: &Envelope) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, text) in &envelope.headers {
        headers.insert(name.as_str(), value(text));
    }
    headers
}

/// What the server itself added stays outside.
pub(super) fn envelope(headers: Option<&HeaderMap>, body: Bytes) -> Envelope {
    let ours = |name: &HeaderName| !AsRef::<str>::as_ref(name).starts_with("Nats-");
    let headers = headers.into_iter().flat_map(HeaderMap::iter).filter(|(name, _)| ours(name));
    let headers = headers
        .filter_map(|(name, values)| {
            let name: &str = name.as_ref();
            Some((name.to_ascii_lowercase(), values.last()?.as_str().to_owned()))
        })
        .collect();
    Envelope { headers, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_come_back_as_they_went() {
        let mut sent = Envelope { body: Bytes::from_static(b"body"), ..Envelope::default() };
        sent.set("id", "row 7 ü");
        sent.set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let mut headers = headers(&sent);
        headers.insert("Nats-Msg-Id", "x");
        assert_eq!(envelope(Some(&headers), sent.body.clone()), sent);
    }
}
