//! The gRPC server under a supervisor.
//!
//! The listener is bound once and kept; if serving on it ends (it should not),
//! the supervisor serves again, at most [`RESTARTS`] times in a row, then
//! declares the pod failed. The engine outlives the server; an engine with a
//! child process looks after it itself.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use spatialclaw_runtime::{Readiness, Shutdown};
use tokio::{net::TcpListener, sync::watch};
use tokio_stream::wrappers::TcpListenerStream;

use crate::{Config, Engine, EngineKind, cpu::Cpu, sensor::Sensor, server::Server};

const RESTARTS: u32 = 3;

/// A running pod.
pub struct Service {
    address: SocketAddr,
    supervisor: ActorRef<Command>,
    shutdown: Shutdown,
    failure: watch::Receiver<Option<String>>,
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
        match self.failure.wait_for(Option::is_some).await {
            Ok(why) => anyhow::anyhow!("{}", why.as_deref().unwrap_or("the pod closed")),
            Err(_) => anyhow::anyhow!("the pod's supervisor is gone"),
        }
    }

    async fn drain(self: Box<Self>, deadline: Duration) {
        self.shutdown.begin();
        // Not drained: the supervisor would stop at once and take the server down with it. It stops by itself when
        // the last request is answered.
        if self.supervisor.wait(Some(deadline)).await.is_err() {
            self.supervisor.kill();
        }
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
    let shutdown = Shutdown::default();
    let (failed, failure) = watch::channel(None);
    let front = Front {
        listener: Arc::new(listener),
        server: Server::new(engine, &config),
        shutdown: shutdown.clone(),
    };
    let (supervisor, _) = Actor::spawn(None, Supervisor { front, failed }, ()).await?;
    Ok(Service { address, supervisor, shutdown, failure })
}

#[derive(Debug)]
enum Command {
    Serve,
}

#[derive(Clone)]
struct Front {
    listener: Arc<std::net::TcpListener>,
    server: Server,
    shutdown: Shutdown,
}

/// Serves until shutdown; its end is its supervisor's news.
impl Actor for Front {
    type Msg = Command;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Command>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(myself.cast(Command::Serve)?)
    }

    async fn handle(
        &self,
        myself: ActorRef<Command>,
        _: Command,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        let listener = TcpListener::from_std(self.listener.try_clone()?)?;
        let shutdown = self.shutdown.clone();
        tonic::transport::Server::builder()
            .tcp_nodelay(true)
            .add_routes(self.server.routes())
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), async move {
                shutdown.begun().await;
            })
            .await?;
        myself.stop(None);
        Ok(())
    }
}

struct Supervisor {
    front: Front,
    failed: watch::Sender<Option<String>>,
}

impl Actor for Supervisor {
    type Msg = Command;
    type State = u32;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Command>, (): ()) -> Result<u32, ActorProcessingErr> {
        Actor::spawn_linked(None, self.front.clone(), (), myself.get_cell()).await?;
        Ok(0)
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Command>,
        event: SupervisionEvent,
        restarts: &mut u32,
    ) -> Result<(), ActorProcessingErr> {
        let why = match event {
            SupervisionEvent::ActorFailed(_, error) => error.to_string(),
            SupervisionEvent::ActorTerminated(..) if self.front.shutdown.is_begun() => {
                myself.stop(None);
                return Ok(());
            }
            SupervisionEvent::ActorTerminated(..) => "gRPC serving ended".to_owned(),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => return Ok(()),
        };
        *restarts += 1;
        tracing::error!(%why, restarts = *restarts, "the pod's server ended");
        if *restarts > RESTARTS {
            self.failed.send_replace(Some(why));
            return Ok(());
        }
        Actor::spawn_linked(None, self.front.clone(), (), myself.get_cell()).await?;
        Ok(())
    }
}
