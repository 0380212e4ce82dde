//! The HTTP server under a supervisor.
//!
//! The listener is bound once and kept; if serving on it ends (it should not),
//! the supervisor serves again, at most [`RESTARTS`] times within [`WINDOW`],
//! then declares the service failed.
//!
//! Draining: event streams end, no new connection is taken, requests in flight
//! are answered, the server ends, its supervisor ends.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use async_trait::async_trait;
use axum::Router;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use spatialclaw_ingest as ingest;
use spatialclaw_runtime::{Readiness, Shutdown};
use tokio::{net::TcpListener, sync::watch};

use crate::{Config, Gateway, api::Api, http};

const RESTARTS: u32 = 3;
const WINDOW: Duration = Duration::from_secs(60);

/// A running front door.
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
            Ok(why) => anyhow::anyhow!("{}", why.as_deref().unwrap_or("the front door closed")),
            Err(_) => anyhow::anyhow!("the front door's supervisor is gone"),
        }
    }

    async fn drain(self: Box<Self>, deadline: Duration) {
        self.shutdown.begin();
        if self.supervisor.wait(Some(deadline)).await.is_err() {
            tracing::warn!("some requests were not answered in time");
            self.supervisor.kill();
        }
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
    let shutdown = Shutdown::default();
    let router = http::router(Api::new(gateway, &config, limits, shutdown.clone()), &config, readiness);
    let (failed, failure) = watch::channel(None);
    let front = Front { listener: Arc::new(listener), router, shutdown: shutdown.clone() };
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
    router: Router,
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

    async fn handle(&self, myself: ActorRef<Command>, _: Command, (): &mut ()) -> Result<(), ActorProcessingErr> {
        let listener = TcpListener::from_std(self.listener.try_clone()?)?;
        let shutdown = self.shutdown.clone();
        axum::serve(listener, self.router.clone())
            .with_graceful_shutdown(async move { shutdown.begun().await })
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
    type State = Restarts;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Command>, (): ()) -> Result<Restarts, ActorProcessingErr> {
        Actor::spawn_linked(None, self.front.clone(), (), myself.get_cell()).await?;
        Ok(Restarts::default())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Command>,
        event: SupervisionEvent,
        restarts: &mut Restarts,
    ) -> Result<(), ActorProcessingErr> {
        let why = match event {
            SupervisionEvent::ActorFailed(_, error) => error.to_string(),
            SupervisionEvent::ActorTerminated(..) if self.front.shutdown.is_begun() => {
                myself.stop(None);
                return Ok(());
            }
            SupervisionEvent::ActorTerminated(..) => "HTTP serving ended".to_owned(),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => return Ok(()),
        };
        let within_bounds = restarts.count(Instant::now());
        tracing::error!(%why, restarts = restarts.times, "the front door fell shut");
        if !within_bounds {
            self.failed.send_replace(Some(why));
            return Ok(());
        }
        Actor::spawn_linked(None, self.front.clone(), (), myself.get_cell()).await?;
        Ok(())
    }
}

/// How often a child was started again lately.
#[derive(Debug, Default)]
struct Restarts {
    times: u32,
    since: Option<Instant>,
}

impl Restarts {
    /// Counts one; whether that is still within bounds.
    fn count(&mut self, now: Instant) -> bool {
        if self.since.is_none_or(|since| now.duration_since(since) > WINDOW) {
            *self = Self { times: 0, since: Some(now) };
        }
        self.times += 1;
        self.times <= RESTARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_are_bounded_within_a_window() {
        let (mut restarts, start) = (Restarts::default(), Instant::now());
        let counted: Vec<bool> = (0..5).map(|_| restarts.count(start)).collect();
        assert_eq!(counted, [true, true, true, false, false]);
        assert!(restarts.count(start + WINDOW + Duration::from_secs(1)));
    }
}
