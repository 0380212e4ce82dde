//! The gRPC server under a supervisor.
//!
//! The listener is bound once and kept: a server that breaks off is begun again
//! on the same port, within the supervisor's intensity. The engine outlives the
//! server; an engine with a child process looks after it itself.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use ractor::ActorCell;
use spatialclaw_runtime::{
    Readiness,
    supervise::{Drain, Duty, Supervised, supervise},
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;

use crate::{Config, Engine, EngineKind, cpu::Cpu, sensor::Sensor, server::Server};

/// A running pod.
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

/// Starts a pod with the configured engine.
///
/// # Errors
/// If the address cannot be bound, or the engine cannot be started at all.
pub async fn spawn(config: Config, readiness: Readiness) -> anyhow::Result<Service> {
    let engine: Arc<dyn Engine> = match config.engine {
        EngineKind::Sensor => {
            readiness.set("sensor engine", true, "ready");
            Arc::new(Sensor::new(&config))
        }
        EngineKind::Cpu => Arc::new(Cpu::start(&config, readiness)?),
    };
    let listener =
        std::net::TcpListener::bind(config.listen).with_context(|| format!("listen on {}", config.listen))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let supervised = supervise("grpc", Front { listener, server: Server::new(engine, &config) }).await?;
    Ok(Service { address, supervised })
}

struct Front {
    listener: std::net::TcpListener,
    server: Server,
}

#[async_trait]
impl Duty for Front {
    type Running = TcpListener;

    async fn begin(&self, _: ActorCell) -> anyhow::Result<TcpListener> {
        Ok(TcpListener::from_std(self.listener.try_clone()?)?)
    }

    async fn perform(&self, listener: TcpListener, mut drain: Drain) -> anyhow::Result<()> {
        let draining = async move {
            drain.begun().await;
        };
        tonic::transport::Server::builder()
            .tcp_nodelay(true)
            .add_routes(self.server.routes())
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), draining)
            .await?;
        Ok(())
    }
}
