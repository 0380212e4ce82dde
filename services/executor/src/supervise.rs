//! The executor under a supervisor.
//!
//! Children: the template, and one actor per kernel. A template that fails is started again, at most [`RESTARTS`]
//! times within [`WINDOW`]; then the service reports failure. A kernel that fails is logged: what it held is given
//! back already, and whoever leased it notices by its lease key.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use spatialclaw_bus::{Bus, Serving};
use spatialclaw_domain::FaultKind;
use spatialclaw_runtime::Readiness;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::{
    Config,
    find::Found,
    pool::Pool,
    scratch::Scratch,
    template::{self, Site, Template},
};

/// Where leases are asked for.
const SUBJECT: &str = "executor.lease";
/// Starts of the template within [`WINDOW`] before the service gives up.
const RESTARTS: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// Before the second restart within the window; doubled for each further one.
const BACKOFF: Duration = Duration::from_millis(250);
/// Of a drain's deadline, kept for ending what did not end by itself.
const RESERVE: Duration = Duration::from_secs(3);
/// The condition it reports.
const CONDITION: &str = "template";

/// A running executor.
pub struct Service {
    pool: Pool,
    leases: Serving,
    supervisor: ActorRef<Never>,
    failure: watch::Receiver<Option<String>>,
    _scratch: Arc<Scratch>,
}

#[async_trait]
impl spatialclaw_runtime::Service for Service {
    async fn failed(&mut self) -> anyhow::Error {
        tokio::select! {
            why = self.failure.wait_for(Option::is_some) => match why {
                Ok(why) => anyhow::anyhow!("{}", why.as_deref().unwrap_or("the executor failed")),
                Err(_) => anyhow::anyhow!("the executor's supervisor is gone"),
            },
            error = self.leases.failed() => anyhow::Error::new(error).context("leases can no longer be served"),
        }
    }

    /// Leases nothing more; running cells go on until shortly before `deadline`, idle kernels end at once.
    async fn drain(self: Box<Self>, deadline: Duration) {
        let end = Instant::now() + deadline;
        let reserve = RESERVE.min(deadline / 3);
        self.leases.drain(deadline - reserve).await;
        for kernel in self.pool.kernels() {
            kernel.end_after_cell("the executor shuts down");
        }
        if timeout_at(end - reserve, self.pool.emptied()).await.is_err() {
            for kernel in self.pool.kernels() {
                kernel.end(FaultKind::Unavailable, "the executor shuts down");
            }
            if timeout_at(end, self.pool.emptied()).await.is_err() {
                tracing::warn!("kernels are still there at the end of the drain");
            }
        }
        // A supervisor's end is its children's: the template's process goes, and any child it still has.
        if self.supervisor.stop_and_wait(None, Some(reserve)).await.is_err() {
            self.supervisor.kill();
        }
    }
}

/// Starts the template and serves leases.
///
/// # Errors
/// If something the template needs is missing, if it cannot start, if the machine grants fewer walls than
/// `executor.min_walls`, or if the subject cannot be served. The message names the thing and the fix.
pub async fn spawn(bus: Bus, config: Config, readiness: Readiness) -> anyhow::Result<Service> {
    config.check()?;
    let found = Found::new(&config)?;
    let scratch = Arc::new(Scratch::open(&config)?);
    let site = Site {
        found,
        home: scratch.home().to_owned(),
        min_walls: config.min_walls.clone(),
        deadline: config.template_deadline,
    };
    readiness.set(CONDITION, false, "starting");
    let (slot, template) = watch::channel(None);
    let (failed, failure) = watch::channel(None);
    let supervisor = Supervisor { site: Arc::new(site), slot, readiness, failed };
    let (supervisor, _) = Actor::spawn(None, supervisor, ()).await.map_err(start_error)?;
    let config = Arc::new(config);
    let pool =
        Pool::new(bus.clone(), Arc::clone(&config), template, supervisor.get_cell(), Arc::clone(&scratch));
    let served = pool.clone();
    let lease = move |request| {
        let pool = served.clone();
        async move { pool.lease(request).await }
    };
    // Twice the seats: refusals are answered beside leases.
    let leases = bus.serve(SUBJECT, 2 * config.kernels, lease).await.context("serve leases")?;
    Ok(Service { pool, leases, supervisor, failure, _scratch: scratch })
}

/// The reason a template did not start, without the words of the actor framework around it.
fn start_error(error: ractor::SpawnErr) -> anyhow::Error {
    match error {
        ractor::SpawnErr::StartupFailed(cause) => anyhow::anyhow!("{}", template::reason(&*cause)),
        other => anyhow::Error::new(other).context("start the executor's actors"),
    }
}

/// The supervisor takes no messages.
#[derive(Debug)]
enum Never {}

struct Supervisor {
    site: Arc<Site>,
    slot: watch::Sender<Option<template::Handle>>,
    readiness: Readiness,
    failed: watch::Sender<Option<String>>,
}

struct Children {
    template: ActorId,
    /// When the template was started again, within the window.
    restarts: VecDeque<Instant>,
}

impl Actor for Supervisor {
    type Msg = Never;
    type State = Children;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Never>, (): ()) -> Result<Children, ActorProcessingErr> {
        Ok(Children { template: self.start(&myself).await?, restarts: VecDeque::new() })
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Never>,
        event: SupervisionEvent,
        children: &mut Children,
    ) -> Result<(), ActorProcessingErr> {
        let (who, why) = match event {
            SupervisionEvent::ActorFailed(who, error) => (who, Some(error.to_string())),
            SupervisionEvent::ActorTerminated(who, _, why) => (who, why),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => return Ok(()),
        };
        if who.get_id() == children.template {
            self.restart(&myself, children, why.unwrap_or_else(|| "it was stopped".to_owned())).await;
        } else if let Some(why) = why {
            tracing::debug!(%why, "a kernel's actor ended");
        }
        Ok(())
    }
}

impl Supervisor {
    async fn start(&self, myself: &ActorRef<Never>) -> Result<ActorId, ActorProcessingErr> {
        let template = Template { site: Arc::clone(&self.site), slot: self.slot.clone() };
        let started = Actor::spawn_linked(None, template, (), myself.get_cell()).await;
        let (actor, _) = started.map_err(|error| match error {
            ractor::SpawnErr::StartupFailed(cause) => cause,
            other => other.into(),
        })?;
        if let Some(living) = &*self.slot.borrow() {
            let detail = format!("Python {}, process {}, walls {}", living.python, living.pid, living.walls);
            self.readiness.set(CONDITION, true, detail);
        }
        Ok(actor.get_id())
    }

    /// Starts templates until one stays up or the window is used up.
    async fn restart(&self, myself: &ActorRef<Never>, children: &mut Children, mut why: String) {
        self.slot.send_replace(None);
        loop {
            tracing::error!(%why, restarts = children.restarts.len(), "the template is gone");
            self.readiness.set(CONDITION, false, format!("being started again: {why}"));
            let Some(wait) = next_restart(&mut children.restarts, Instant::now()) else {
                self.readiness.set(CONDITION, false, why.clone());
                self.failed
                    .send_replace(Some(format!("the template failed {RESTARTS} times in {WINDOW:?}: {why}")));
                return;
            };
            tokio::time::sleep(wait).await;
            match self.start(myself).await {
                Ok(template) => {
                    children.template = template;
                    return;
                }
                Err(error) => why = template::reason(&*error),
            }
        }
    }
}

/// How long to wait before the next restart; none if there were too many of late.
fn next_restart(restarts: &mut VecDeque<Instant>, now: Instant) -> Option<Duration> {
    while restarts.front().is_some_and(|restart| now.duration_since(*restart) > WINDOW) {
        restarts.pop_front();
    }
    let count = restarts.len();
    if count == RESTARTS {
        return None;
    }
    restarts.push_back(now);
    Some(count.checked_sub(1).map_or(Duration::ZERO, |doublings| BACKOFF * 2_u32.pow(doublings as u32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn restarts_wait_longer_each_time_and_end() {
        let mut restarts = VecDeque::new();
        let waits: Vec<_> = (0..6).map(|_| next_restart(&mut restarts, Instant::now())).collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(waits, [ms(0), ms(250), ms(500), ms(1000), ms(2000), None]);
        tokio::time::advance(2 * WINDOW).await;
        assert_eq!(next_restart(&mut restarts, Instant::now()), ms(0));
    }
}
