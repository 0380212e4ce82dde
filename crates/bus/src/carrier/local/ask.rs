//! Asks: a registry of who serves what.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use spatialclaw_domain::{Fault, FaultKind};
use tokio::sync::{mpsc, oneshot};

use crate::{
    Envelope, Error,
    carrier::{Reply, Request, Requests},
};

/// Requests that may wait for a server's loop to look at them; it looks at once, so this fills only if it hangs.
const WAITING: usize = 1024;

type Servers = Arc<Mutex<HashMap<String, Vec<mpsc::Sender<Request>>>>>;

#[derive(Default)]
pub(super) struct Asks {
    servers: Servers,
    /// Spreads requests over the servers of a subject.
    turn: AtomicUsize,
}

impl Asks {
    pub(super) fn serve(&self, subject: &str) -> Inbox {
        let (sender, requests) = mpsc::channel(WAITING);
        lock(&self.servers).entry(subject.to_owned()).or_default().push(sender);
        Inbox { subject: subject.to_owned(), requests, servers: Arc::clone(&self.servers) }
    }

    pub(super) async fn ask(
        &self,
        subject: &str,
        envelope: Envelope,
        deadline: Duration,
    ) -> Result<Envelope, Fault> {
        let (reply, replied) = oneshot::channel();
        let server = self
            .server(subject)
            .ok_or_else(|| Fault::new(FaultKind::Unavailable, format!("nobody serves `{subject}`")))?;
        server.try_send(Request { envelope, reply: Box::new(Answer(reply)) }).map_err(
            |error| match error {
                mpsc::error::TrySendError::Full(_) => {
                    Fault::new(FaultKind::Exhausted, format!("`{subject}` has {WAITING} requests waiting"))
                        .retry_after(Duration::from_millis(100))
                }
                mpsc::error::TrySendError::Closed(_) => gone(subject),
            },
        )?;
        match tokio::time::timeout(deadline, replied).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(_)) => Err(gone(subject)),
            Err(_) => Err(Fault::new(
                FaultKind::Deadline,
                format!("`{subject}` did not answer within {deadline:?}"),
            )),
        }
    }

    fn server(&self, subject: &str) -> Option<mpsc::Sender<Request>> {
        let servers = lock(&self.servers);
        let serving = servers.get(subject)?;
        serving.get(self.turn.fetch_add(1, Ordering::Relaxed) % serving.len()).cloned()
    }
}

fn lock(servers: &Servers) -> std::sync::MutexGuard<'_, HashMap<String, Vec<mpsc::Sender<Request>>>> {
    servers.lock().unwrap_or_else(PoisonError::into_inner)
}

fn gone(subject: &str) -> Fault {
    Fault::new(FaultKind::Unavailable, format!("the server of `{subject}` went away before it answered"))
}

/// What one server receives. Leaves the registry when closed or dropped.
pub(super) struct Inbox {
    subject: String,
    requests: mpsc::Receiver<Request>,
    servers: Servers,
}

impl Inbox {
    fn leave(&mut self) {
        self.requests.close();
        let mut servers = lock(&self.servers);
        if let Some(serving) = servers.get_mut(&self.subject) {
            serving.retain(|server| !server.is_closed());
            if serving.is_empty() {
                servers.remove(&self.subject);
            }
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.leave();
    }
}

#[async_trait]
impl Requests for Inbox {
    async fn next(&mut self) -> Result<Option<Request>, Error> {
        Ok(self.requests.recv().await)
    }

    async fn close(&mut self) {
        self.leave();
    }
}

/// Dropping it tells the asker.
struct Answer(oneshot::Sender<Envelope>);

#[async_trait]
impl Reply for Answer {
    async fn send(self: Box<Self>, reply: Envelope) {
        // An asker that has left wants no reply.
        let _ = self.0.send(reply);
    }
}
