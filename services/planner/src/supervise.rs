//! What keeps the service alive.
//!
//! ```text
//! Supervisor ──links──→ Intake (takes jobs off the queue)
//! ```
//!
//! An intake that ends is started again, at most [`RESTARTS`] times within [`WINDOW`], then the service has failed.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use async_trait::async_trait;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use spatialclaw_bus::{Bus, Queue};
use spatialclaw_models::LanguageModel;
use tokio::{sync::watch, time::Instant};

use crate::{
    Config,
    plan::{Desk, plan},
};

const RESTARTS: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// What the intake keeps of the drain's time for settling jobs.
const MARGIN: Duration = Duration::from_millis(500);

/// A running planner.
pub struct Service {
    supervisor: ActorRef<Never>,
    drain: watch::Sender<Option<Duration>>,
    failure: watch::Receiver<Option<String>>,
}

#[async_trait]
impl spatialclaw_runtime::Service for Service {
    async fn failed(&mut self) -> anyhow::Error {
        match self.failure.wait_for(Option::is_some).await {
            Ok(why) => anyhow::anyhow!("{}", why.as_deref().unwrap_or("the plan queue is not worked on")),
            Err(_) => anyhow::anyhow!("the planner's supervisor is gone"),
        }
    }

    async fn drain(self: Box<Self>, deadline: Duration) {
        self.drain.send_replace(Some(deadline.saturating_sub(MARGIN)));
        if self.supervisor.wait(Some(deadline)).await.is_err() {
            tracing::warn!("questions are still being planned; they are delivered again");
            self.supervisor.kill();
        }
    }
}

/// Begins to work on the plan queue.
///
/// # Errors
/// If the queue cannot be worked on.
pub async fn spawn(bus: Bus, model: Arc<dyn LanguageModel>, config: Config) -> anyhow::Result<Service> {
    let desk = Desk { bus, model, config: Arc::new(config) };
    let (drain, draining) = watch::channel(None);
    let (failed, failure) = watch::channel(None);
    let (supervisor, _) = Actor::spawn(None, Supervisor { desk, draining, failed }, ()).await?;
    Ok(Service { supervisor, drain, failure })
}

/// A message nobody sends.
#[derive(Debug)]
enum Never {}

/// A message of the intake to itself.
#[derive(Debug)]
enum Begin {
    Work,
}

/// Takes jobs off the queue until it is told to drain; its end is its supervisor's news.
struct Intake {
    desk: Desk,
    draining: watch::Receiver<Option<Duration>>,
}

impl Actor for Intake {
    type Msg = Begin;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Begin>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(myself.cast(Begin::Work)?)
    }

    async fn handle(&self, myself: ActorRef<Begin>, _: Begin, (): &mut ()) -> Result<(), ActorProcessingErr> {
        let desk = self.desk.clone();
        let handler = move |job, delivery| plan(desk.clone(), job, delivery);
        let mut serving = self.desk.bus.work(Queue::Plan, self.desk.config.concurrency, handler).await?;
        let mut draining = self.draining.clone();
        let deadline = tokio::select! {
            error = serving.failed() => return Err(error.into()),
            deadline = draining.wait_for(Option::is_some) => deadline.ok().and_then(|deadline| *deadline),
        };
        serving.drain(deadline.unwrap_or_default()).await;
        myself.stop(None);
        Ok(())
    }
}

struct Supervisor {
    desk: Desk,
    draining: watch::Receiver<Option<Duration>>,
    failed: watch::Sender<Option<String>>,
}

struct Watch {
    intake: ActorId,
    restarts: VecDeque<Instant>,
}

impl Actor for Supervisor {
    type Msg = Never;
    type State = Watch;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Never>, (): ()) -> Result<Watch, ActorProcessingErr> {
        Ok(Watch { intake: self.begin(&myself).await?, restarts: VecDeque::new() })
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Never>,
        event: SupervisionEvent,
        watch: &mut Watch,
    ) -> Result<(), ActorProcessingErr> {
        let (who, why) = match event {
            SupervisionEvent::ActorFailed(who, error) => (who.get_id(), error.to_string()),
            SupervisionEvent::ActorTerminated(who, ..) => (who.get_id(), "it ended".to_owned()),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => return Ok(()),
        };
        if who != watch.intake {
            return Ok(());
        }
        if self.draining.borrow().is_some() {
            myself.stop(None);
            return Ok(());
        }
        tracing::error!(%why, "the plan queue's intake ended");
        if is_too_often(&mut watch.restarts) {
            self.failed.send_replace(Some(format!("the plan queue cannot be worked on: {why}")));
            return Ok(());
        }
        watch.intake = self.begin(&myself).await?;
        Ok(())
    }
}

impl Supervisor {
    async fn begin(&self, myself: &ActorRef<Never>) -> Result<ActorId, ActorProcessingErr> {
        let intake = Intake { desk: self.desk.clone(), draining: self.draining.clone() };
        let (intake, _) = Actor::spawn_linked(None, intake, (), myself.get_cell()).await?;
        Ok(intake.get_id())
    }
}

/// Counts a restart; true if it is one too many for the window.
fn is_too_often(restarts: &mut VecDeque<Instant>) -> bool {
    let now = Instant::now();
    restarts.retain(|at| now.duration_since(*at) < WINDOW);
    restarts.push_back(now);
    restarts.len() > RESTARTS
}
