//! Any OpenAI-compatible chat endpoint.
//!
//! ```text
//! chat ── body (pictures as data URIs) ── attempt ──► reply, thinking removed
//!                                            │
//!             429, 5xx, transport, timeout, no choices, unreadable body
//!                                            │
//!                          wait (Retry-After or doubling, with jitter), again, bounded
//! ```
//!
//! * 400, 401, 403, 404 are the caller's to mend: no retry, the fault says what to check.
//! * The key is read once, goes into one sensitive header, and is cut out of whatever the endpoint says.
//! * Redirects are not followed, so the key goes nowhere but to the configured host; a loopback endpoint is never
//!   reached through a proxy.
//! * Dropping the future gives the request up.

mod config;
mod retry;
mod wire;

#[cfg(test)]
mod tests;

use std::{error::Error as _, net::IpAddr, time::Duration};

use async_trait::async_trait;
use reqwest::{
    Client, Response, Url,
    header::{AUTHORIZATION, HeaderName, HeaderValue},
    redirect,
};
use serde_json::Value;
use spatialclaw_bus::ArtifactStore;
use spatialclaw_domain::{Fault, FaultKind, SessionId};

use self::{
    config::Key,
    retry::{Backoff, asked_wait, refused},
    wire::Completion,
};
use super::Error;
use crate::{ChatReply, ChatRequest, LanguageModel};

pub use config::{Config, Parameters};

/// The longest body of a reply that is read.
const BODY_LIMIT: usize = 16 << 20;

/// One endpoint and one model of it.
pub struct Endpoint {
    config: Config,
    url: Url,
    key: Option<Key>,
    session_header: Option<HeaderName>,
    client: Client,
    artifacts: ArtifactStore,
}

impl Endpoint {
    /// An endpoint as configured. Nothing is sent yet.
    ///
    /// # Errors
    /// If a value is missing or wrong, or the key cannot be read.
    pub fn new(config: &Config, artifacts: ArtifactStore) -> Result<Self, Error> {
        config.check()?;
        let url = config.url()?;
        Ok(Self {
            key: config.key()?,
            session_header: session_header(config)?,
            client: client(config, &url)?,
            url,
            artifacts,
            config: config.clone(),
        })
    }

    async fn attempt(&self, session: SessionId, body: &Value, calls: u64) -> Result<ChatReply, Fault> {
        let mut request = self.client.post(self.url.clone()).json(body);
        if let Some(header) = self.key.as_ref().and_then(Key::header) {
            request = request.header(AUTHORIZATION, header);
        }
        if let Some(name) = &self.session_header {
            request = request.header(name, session.to_string());
        }
        let response = request.send().await.map_err(|error| self.transport("did not answer", error))?;
        let (status, asked) = (response.status(), asked_wait(response.headers()));
        let body = self.read(response).await?;
        if !status.is_success() {
            let text = self.redact(&String::from_utf8_lossy(&body));
            return Err(refused(self.url.as_str(), &self.config.model, status, &text, asked));
        }
        let completion: Completion = serde_json::from_slice(&body).map_err(|error| {
            self.unavailable(&format!("sent a reply that is no chat completion ({error})"))
        })?;
        completion
            .reply(&self.config.model, calls)
            .ok_or_else(|| self.unavailable("sent a reply without choices"))
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::new();
        let broke = |error| self.transport("broke off its reply", error);
        while let Some(chunk) = response.chunk().await.map_err(broke)? {
            if body.len() + chunk.len() > BODY_LIMIT {
                let text = format!("the reply of {} is longer than {BODY_LIMIT} bytes", self.url);
                return Err(Fault::new(FaultKind::Invalid, text));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn transport(&self, what: &str, error: reqwest::Error) -> Fault {
        if error.is_timeout() && !error.is_connect() {
            let text = format!("{} took longer than {:?}", self.url, self.config.timeout);
            return Fault::new(FaultKind::Deadline, text);
        }
        let error = error.without_url();
        let mut chain = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            chain = format!("{chain}: {source}");
            cause = source.source();
        }
        self.unavailable(&format!("{what}: {}", self.redact(&chain)))
    }

    fn unavailable(&self, what: &str) -> Fault {
        Fault::new(FaultKind::Unavailable, format!("model `{}` at {} {what}", self.config.model, self.url))
    }

    fn redact(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.redact(text))
    }

    /// How long to wait after `failed` attempts, or `None` to give up.
    fn wait(&self, fault: &Fault, failed: u32) -> Option<Duration> {
        if failed >= self.config.attempts || !fault.is_retryable() {
            return None;
        }
        let backoff = Backoff { first: self.config.backoff, max: self.config.backoff_max };
        match fault.retry_after {
            // Waiting longer than we may is the caller's decision.
            Some(asked) if asked > self.config.backoff_max => None,
            Some(asked) => Some(asked.max(backoff.wait(1))),
            None => Some(backoff.wait(failed)),
        }
    }
}

#[async_trait]
impl LanguageModel for Endpoint {
    fn name(&self) -> &str {
        &self.config.model
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply, Fault> {
        let parameters = self.config.parameters(request.role);
        let body = wire::body(&self.config.model, parameters, request, &self.artifacts).await?;
        let mut failed = 0;
        loop {
            let fault = match self.attempt(request.session, &body, u64::from(failed) + 1).await {
                Ok(reply) => return Ok(reply),
                Err(fault) => fault,
            };
            failed += 1;
            let Some(wait) = self.wait(&fault, failed) else { return Err(fault) };
            tracing::warn!(attempt = failed, ?wait, error = %fault, "the model failed; trying again");
            tokio::time::sleep(wait).await;
        }
    }
}

fn session_header(config: &Config) -> Result<Option<HeaderName>, Error> {
    let parse = |name: &String| {
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| Error::Value {
            key: "openai.session_header",
            reason: format!("`{name}` is no header name"),
        })
    };
    config.session_header.as_ref().map(parse).transpose()
}

fn client(config: &Config, url: &Url) -> Result<Client, Error> {
    install_tls();
    let mut builder = Client::builder()
        .timeout(config.timeout)
        .connect_timeout(config.connect_timeout)
        .redirect(redirect::Policy::none())
        .default_headers(
            [(reqwest::header::ACCEPT, HeaderValue::from_static("application/json"))].into_iter().collect(),
        );
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    if url.scheme() == "http" {
        // Plain HTTP needs no trust store, and small images have none.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(Error::Client)
}

/// reqwest is built without a TLS provider of its own and panics if there is none.
fn install_tls() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Losing the race means that another one was installed: just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
