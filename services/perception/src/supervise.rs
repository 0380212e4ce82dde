//! The dispatcher on the bus, under a supervisor.
//!
//! The desk serves the subject; if the carrier can no longer serve it, the
//! supervisor opens another desk, at most [`RESTARTS`] times in a row, then
//! declares the service failed. Cache and flights outlive a desk.

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use spatialclaw_bus::{Bus, Serving};
use spatialclaw_models::pod::Pods;
use spatialclaw_runtime::Shutdown;
use tokio::sync::watch;

use crate::{Config, dispatch::Dispatcher};

/// What it serves on the bus.
pub const SUBJECT: &str = "perception";
const RESTARTS: u32 = 5;

/// A running dispatcher.
pub struct Service {
    supervisor: ActorRef<Command>,
    stop: watch::Sender<Option<Duration>>,
    shutdown: Shutdown,
    failure: watch::Receiver<Option<String>>,
}

#[async_trait]
impl spatialclaw_runtime::Service for Service {
    async fn failed(&mut self) -> anyhow::Error {
        match self.failure.wait_for(Option::is_some).await {
            Ok(why) => anyhow::anyhow!("{}", why.as_deref().unwrap_or("the dispatcher closed")),
            Err(_) => anyhow::anyhow!("the dispatcher's supervisor is gone"),
        }
    }

    async fn drain(self: Box<Self>, deadline: Duration) {
        self.shutdown.begin();
        self.stop.send_replace(Some(deadline));
        if self.supervisor.wait(Some(deadline)).await.is_err() {
            self.supervisor.kill();
        }
    }
}

/// Serves the subject `perception` with `pods`.
///
/// # Errors
/// If the bus cannot serve, or the index of results cannot be opened.
pub async fn spawn(bus: Bus, pods: Pods, config: Config) -> anyhow::Result<Service> {
    let limit = config.concurrency;
    let dispatcher = Dispatcher::new(pods, bus.artifacts().clone(), config)
        .context("open the index of results (perception.index)")?;
    let (stop, stopped) = watch::channel(None);
    let (failed, failure) = watch::channel(None);
    let shutdown = Shutdown::default();
    let desk = Desk { bus, dispatcher, limit, stopped };
    let (supervisor, _) =
        Actor::spawn(None, Supervisor { desk, failed, shutdown: shutdown.clone() }, ()).await?;
    Ok(Service { supervisor, stop, shutdown, failure })
}

/// Nobody is told anything: the mailbox only wakes the desk.
#[derive(Debug)]
enum Command {
    Watch,
}

#[derive(Clone)]
struct Desk {
    bus: Bus,
    dispatcher: Dispatcher,
    limit: usize,
    stopped: watch::Receiver<Option<Duration>>,
}

/// Serves until it is told to stop or cannot; either way its end is its supervisor's news.
impl Actor for Desk {
    type Msg = Command;
    type State = Option<Serving>;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Command>, (): ()) -> Result<Self::State, ActorProcessingErr> {
        let dispatcher = self.dispatcher.clone();
        let handler = move |request| dispatcher.clone().handle(request);
        let serving = self.bus.serve(SUBJECT, self.limit, handler).await?;
        myself.cast(Command::Watch)?;
        Ok(Some(serving))
    }

    async fn handle(
        &self,
        myself: ActorRef<Command>,
        _: Command,
        serving: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let Some(mut serving) = serving.take() else { return Ok(()) };
        let mut stopped = self.stopped.clone();
        tokio::select! {
            error = serving.failed() => return Err(error.into()),
            _ = stopped.wait_for(Option::is_some) => {}
        }
        let deadline = (*stopped.borrow()).unwrap_or_default();
        serving.drain(deadline).await;
        myself.stop(None);
        Ok(())
    }
}

struct Supervisor {
    desk: Desk,
    failed: watch::Sender<Option<String>>,
    shutdown: Shutdown,
}

impl Actor for Supervisor {
    type Msg = Command;
    type State = u32;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Command>, (): ()) -> Result<u32, ActorProcessingErr> {
        Actor::spawn_linked(None, self.desk.clone(), (), myself.get_cell()).await?;
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
            SupervisionEvent::ActorTerminated(..) if self.shutdown.is_begun() => {
                myself.stop(None);
                return Ok(());
            }
            SupervisionEvent::ActorTerminated(..) => "the desk closed".to_owned(),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => return Ok(()),
        };
        *restarts += 1;
        tracing::error!(%why, restarts = *restarts, "the dispatcher no longer serves");
        let reopened = Actor::spawn_linked(None, self.desk.clone(), (), myself.get_cell());
        if *restarts > RESTARTS {
            self.failed.send_replace(Some(why));
        } else if let Err(error) = reopened.await {
            self.failed.send_replace(Some(format!("{why}; serving again failed: {error}")));
        }
        Ok(())
    }
}
