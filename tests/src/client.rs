//! A user of the HTTP interface.

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context as _, bail, ensure};
use futures::StreamExt as _;
use reqwest::multipart::{Form, Part};
use serde_json::Value;

/// Longest a question of these tests may take.
const DEADLINE: Duration = Duration::from_secs(240);

/// Talks to one gateway.
#[derive(Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
}

impl Client {
    /// A client of the gateway at `address`.
    ///
    /// # Errors
    /// If the HTTP client cannot be made.
    pub fn new(address: SocketAddr) -> anyhow::Result<Self> {
        // Somebody may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { base: format!("http://{address}"), http })
    }

    /// Submits a manifest row whose files lie in `folder`; the session id.
    ///
    /// # Errors
    /// The gateway's refusal, status and body.
    pub async fn submit(&self, row: &Value, folder: &Path) -> anyhow::Result<String> {
        let mut form = Form::new().text("question", row.to_string());
        for name in files(row) {
            let bytes = std::fs::read(folder.join(&name)).with_context(|| format!("read {name}"))?;
            form = form.part("file", Part::bytes(bytes).file_name(name));
        }
        let answer = self.http.post(format!("{}/v1/questions", self.base)).multipart(form).send().await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        ensure!(status == 202, "{status}: {body}");
        Ok(body["id"].as_str().context("no id in the answer")?.to_owned())
    }

    /// Where a question stands.
    ///
    /// # Errors
    /// If the gateway does not know it.
    pub async fn result(&self, id: &str) -> anyhow::Result<Value> {
        let answer = self.http.get(format!("{}/v1/questions/{id}", self.base)).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// A document of the question: `report`, `events`, …
    ///
    /// # Errors
    /// If the gateway refuses.
    pub async fn text(&self, path: &str) -> anyhow::Result<String> {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    /// The status code of a GET.
    ///
    /// # Errors
    /// If the gateway cannot be reached.
    pub async fn status(&self, path: &str) -> anyhow::Result<u16> {
        Ok(self.http.get(format!("{}{path}", self.base)).send().await?.status().as_u16())
    }

    /// Withdraws a question; the status code.
    ///
    /// # Errors
    /// If the gateway cannot be reached.
    pub async fn cancel(&self, id: &str) -> anyhow::Result<u16> {
        let answer = self.http.delete(format!("{}/v1/questions/{id}", self.base)).send().await?;
        Ok(answer.status().as_u16())
    }

    /// Follows a question's events until `until` says so; all events up to then.
    ///
    /// # Errors
    /// If the stream ends early or the deadline passes.
    pub async fn follow(
        &self,
        id: &str,
        mut until: impl FnMut(&Value) -> bool,
    ) -> anyhow::Result<Vec<Value>> {
        let mut events = Vec::new();
        let followed = async {
            let answer = self.http.get(format!("{}/v1/questions/{id}/events", self.base)).send().await?;
            let mut stream = answer.error_for_status()?.bytes_stream();
            let mut pending = String::new();
            while let Some(part) = stream.next().await {
                pending.push_str(&String::from_utf8_lossy(&part?));
                while let Some((line, rest)) = pending.split_once('\n') {
                    let event = line.strip_prefix("data:").map(str::trim).map(serde_json::from_str::<Value>);
                    pending = rest.to_owned();
                    if let Some(event) = event {
                        events.push(event?);
                        if events.last().is_some_and(&mut until) {
                            return Ok(());
                        }
                    }
                }
            }
            bail!("the event stream ended")
        };
        let outcome = tokio::time::timeout(DEADLINE, followed).await;
        match outcome {
            Ok(Ok(())) => Ok(events),
            Ok(Err(error)) => Err(error),
            Err(_) => {
                bail!("nothing more within {DEADLINE:?} after {} events: {:?}", events.len(), events.last())
            }
        }
    }

    /// Waits for a question's end; its result.
    ///
    /// # Errors
    /// If it does not end in time.
    pub async fn outcome(&self, id: &str) -> anyhow::Result<Value> {
        self.follow(id, ends).await?;
        self.result(id).await
    }
}

/// Whether an event closes its journal.
pub fn ends(event: &Value) -> bool {
    matches!(event["event"].as_str(), Some("answered" | "unanswered" | "failed" | "cancelled"))
}

/// Every file a row names.
fn files(row: &Value) -> Vec<String> {
    let mut names: Vec<&Value> = row["images"].as_array().into_iter().flatten().collect();
    names.extend(row.get("video"));
    for frame in row["frames"].as_array().into_iter().flatten() {
        names.extend([&frame["image"], &frame["depth"]["file"], &frame["masks"]["file"]]);
    }
    let mut names: Vec<String> =
        names.into_iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    names.sort();
    names.dedup();
    names
}
