//! The HTTP server under a supervisor.
//!
//! The listener is bound once and kept: a server that breaks off is begun again on
//! the same port, within the supervisor's intensity.
//!
//! Draining: event streams end, no new connection is taken, requests in flight
//! are answered, the server ends.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use axum::Router;
use ractor::ActorCell;
use spatialclaw_ingest as ingest;
use spatialclaw_runtime::{
    Readiness, Shutdown,
    supervise::{Drain, Duty, Supervised, supervise},
};
use tokio::net::TcpListener;

use crate::{Config, Gateway, api::Api, http};

/// A running front door.
pub struct Service {
    address: SocketAddr,
    supervised: Supervised,
}

impl Service {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

#[async_trait]
impl spatialclaw_runtime::Service for Service {
    async fn failed(&mut self) -> anyhow::Error {
        self.supervised.failed().await
    }

    async fn drain(self: Box<Self>, deadline: Duration) {
        Box::new(self.supervised).drain(deadline).await;
    }
}

/// Opens the front door.
///
/// # Errors
/// If the address cannot be bound.
pub async fn spawn(
    gateway: Gateway,
    config: Config,
    limits: ingest::Limits,
    readiness: Readiness,
) -> anyhow::Result<Service> {
    let listener =
        std::net::TcpListener::bind(config.listen).with_context(|| format!("listen on {}", config.listen))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let closing = Shutdown::default();
    let router = http::router(Api::new(gateway, &config, limits, closing.clone()), &config, readiness);
    let supervised = supervise("http", Front { listener, router, closing }).await?;
    Ok(Service { address, supervised })
}

struct Front {
    listener: std::net::TcpListener,
    router: Router,
    /// What ends the event streams, which would otherwise keep their connections open for ever.
    closing: Shutdown,
}

#[async_trait]
impl Duty for Front {
    type Running = TcpListener;

    async fn begin(&self, _: ActorCell) -> anyhow::Result<TcpListener> {
        Ok(TcpListener::from_std(self.listener.try_clone()?)?)
    }

    async fn perform(&self, listener: TcpListener, mut drain: Drain) -> anyhow::Result<()> {
        let closing = self.closing.clone();
        let draining = async move {
            drain.begun().await;
            closing.begin();
        };
        Ok(axum::serve(listener, self.router.clone()).with_graceful_shutdown(draining).await?)
    }
}
