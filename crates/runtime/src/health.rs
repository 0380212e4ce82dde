//! Live and ready, for whoever schedules the process.
//!
//! `/livez` answers 200 as long as the runtime turns. `/readyz` answers 200 when
//! every named condition holds, else 503; both say what they know as JSON.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::Shutdown;

/// Named conditions, all of which must hold for the process to be ready.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<String, Condition>>>);

/// One condition and what is known about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Whether it holds.
    pub ready: bool,
    /// A person's words: why not, or at which level.
    pub detail: String,
}

impl Readiness {
    /// States a condition.
    pub fn set(&self, name: &str, ready: bool, detail: impl Into<String>) {
        let condition = Condition { ready, detail: detail.into() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), condition);
    }

    /// Every condition stated so far.
    pub fn conditions(&self) -> BTreeMap<String, Condition> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether every condition holds, and at least one was stated.
    pub fn is_ready(&self) -> bool {
        let conditions = self.conditions();
        !conditions.is_empty() && conditions.values().all(|condition| condition.ready)
    }
}

/// The two endpoints, to be served alone or beside others.
pub fn router(readiness: Readiness) -> Router {
    Router::new()
        .route("/livez", get(|| async { "alive" }))
        .route("/readyz", get(ready))
        .with_state(readiness)
}

async fn ready(State(readiness): State<Readiness>) -> (StatusCode, Json<BTreeMap<String, Condition>>) {
    let status = if readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness.conditions()))
}

/// Serves the endpoints until shutdown; returns where they listen.
///
/// # Errors
/// If the address cannot be bound.
pub async fn serve(
    listen: SocketAddr,
    readiness: Readiness,
    shutdown: Shutdown,
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let server = axum::serve(listener, router(readiness))
            .with_graceful_shutdown(async move { shutdown.begun().await });
        if let Err(error) = server.await {
            tracing::error!(%error, "health endpoint ended");
        }
    });
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_every_condition_holds() {
        let readiness = Readiness::default();
        assert!(!readiness.is_ready(), "nothing is known yet");
        readiness.set("bus", true, "connected");
        assert!(readiness.is_ready());
        readiness.set("template", false, "starting");
        assert!(!readiness.is_ready());
    }
}
