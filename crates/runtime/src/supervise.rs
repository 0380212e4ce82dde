//! One duty under a supervisor: performed by an actor, taken up again when it breaks off, handed back in order.
//!
//! ```text
//! Supervised ──drain──▶ Performer (child actor: begin, perform)
//!     │                     │ ends or fails
//!     └──── Supervisor ◀────┘   within its intensity: begin again; beyond it: the service has failed
//! ```
//!
//! * Happy path: [`supervise`] begins the duty (an error here is the caller's), the child performs it until
//!   [`Supervised::drain`], then ends, and the supervisor with it.
//! * A duty that ends without being asked to, fails or panics is begun again after a growing pause, at most
//!   [`RESTARTS`] times within [`WINDOW`]; then [`Supervised::failed`] says why and the supervisor ends.
//! * Other actors linked to the supervisor (one per job, say) may come and go: their ends are logged only.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use tokio::{sync::watch, time::Instant};

use crate::Service;

/// Restarts within [`WINDOW`] before a duty counts as impossible.
pub const RESTARTS: usize = 5;
/// See [`RESTARTS`].
pub const WINDOW: Duration = Duration::from_secs(60);
/// Before the second restart within the window; doubled for each further one.
const PAUSE: Duration = Duration::from_millis(100);
/// What the supervisor keeps of a drain's time for itself.
const MARGIN: Duration = Duration::from_millis(500);

/// What a service is there for.
#[async_trait]
pub trait Duty: Send + Sync + 'static {
    /// What has to be open to perform it: a listener, a subscription.
    type Running: Send + 'static;

    /// Takes the duty up. Actors it spawns per job may be linked to `supervisor`.
    async fn begin(&self, supervisor: ActorCell) -> anyhow::Result<Self::Running>;

    /// Performs it until `drain` begins, then finishes what is in flight within the time that `drain` gives.
    ///
    /// # Errors
    /// If it cannot be performed any longer; it is begun again.
    async fn perform(&self, running: Self::Running, drain: Drain) -> anyhow::Result<()>;
}

/// Tells a duty when to stop taking work.
#[derive(Clone, Debug)]
pub struct Drain(watch::Receiver<Option<Duration>>);

impl Drain {
    /// Waits until draining begins; how long what is in flight may still take. Safe to drop.
    pub async fn begun(&mut self) -> Duration {
        match self.0.wait_for(Option::is_some).await {
            Ok(deadline) => deadline.unwrap_or_default(),
            // The service was dropped without being drained.
            Err(_) => Duration::ZERO,
        }
    }

    /// Also when the service was dropped without being drained.
    fn is_begun(&self) -> bool {
        self.0.borrow().is_some() || self.0.has_changed().is_err()
    }
}

/// A duty being performed.
pub struct Supervised {
    name: &'static str,
    supervisor: ActorRef<Never>,
    drain: watch::Sender<Option<Duration>>,
    failure: watch::Receiver<Option<String>>,
}

/// Begins `duty` and keeps it going. `name` is what logs and errors call it.
///
/// # Errors
/// If it cannot be begun the first time.
pub async fn supervise<D: Duty>(name: &'static str, duty: D) -> anyhow::Result<Supervised> {
    let (drain, draining) = watch::channel(None);
    let (failed, failure) = watch::channel(None);
    let supervisor = Supervisor { name, duty: Arc::new(duty), drain: Drain(draining), failed };
    let (supervisor, _) = Actor::spawn(None, supervisor, ()).await.map_err(reason).context(name)?;
    Ok(Supervised { name, supervisor, drain, failure })
}

#[async_trait]
impl Service for Supervised {
    async fn failed(&mut self) -> anyhow::Error {
        match self.failure.wait_for(Option::is_some).await {
            Ok(why) => anyhow::anyhow!("{}", why.as_deref().unwrap_or(self.name)),
            Err(_) => anyhow::anyhow!("the supervisor of {} is gone", self.name),
        }
    }

    async fn drain(self: Box<Self>, deadline: Duration) {
        self.drain.send_replace(Some(deadline.saturating_sub(MARGIN.min(deadline / 10))));
        // The supervisor stops by itself once its child has; draining it instead would take the child down with it.
        if self.supervisor.wait(Some(deadline)).await.is_err() {
            tracing::warn!(duty = self.name, ?deadline, "not everything in flight was finished");
            self.supervisor.kill();
        }
    }
}

/// A message nobody sends.
#[derive(Debug)]
enum Never {}

/// A message of the performer to itself.
#[derive(Debug)]
enum Perform {
    Now,
}

struct Performer<D> {
    duty: Arc<D>,
    drain: Drain,
    supervisor: ActorCell,
}

impl<D: Duty> Actor for Performer<D> {
    type Msg = Perform;
    type State = Option<D::Running>;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Perform>, (): ()) -> Result<Self::State, ActorProcessingErr> {
        let running = self.duty.begin(self.supervisor.clone()).await?;
        myself.cast(Perform::Now)?;
        Ok(Some(running))
    }

    async fn handle(
        &self,
        myself: ActorRef<Perform>,
        _: Perform,
        running: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        if let Some(running) = running.take() {
            self.duty.perform(running, self.drain.clone()).await?;
        }
        myself.stop(None);
        Ok(())
    }
}

struct Supervisor<D> {
    name: &'static str,
    duty: Arc<D>,
    drain: Drain,
    failed: watch::Sender<Option<String>>,
}

struct Watch {
    performer: ActorId,
    restarts: VecDeque<Instant>,
}

impl<D: Duty> Actor for Supervisor<D> {
    type Msg = Never;
    type State = Watch;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Never>, (): ()) -> Result<Watch, ActorProcessingErr> {
        let performer = self.begin(&myself).await.map_err(reason)?;
        Ok(Watch { performer, restarts: VecDeque::new() })
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Never>,
        event: SupervisionEvent,
        watch: &mut Watch,
    ) -> Result<(), ActorProcessingErr> {
        let (who, why) = match event {
            SupervisionEvent::ActorFailed(who, error) => (who, error.to_string()),
            SupervisionEvent::ActorTerminated(who, ..) => (who, "it ended".to_owned()),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => return Ok(()),
        };
        if who.get_id() != watch.performer {
            tracing::debug!(duty = self.name, actor = %who.get_id(), %why, "a linked actor ended");
        } else if self.drain.is_begun() {
            myself.stop(None);
        } else {
            self.begin_again(&myself, watch, why).await;
        }
        Ok(())
    }
}

impl<D: Duty> Supervisor<D> {
    async fn begin(&self, myself: &ActorRef<Never>) -> Result<ActorId, SpawnErr> {
        let supervisor = myself.get_cell();
        let performer =
            Performer { duty: self.duty.clone(), drain: self.drain.clone(), supervisor: supervisor.clone() };
        let (performer, _) = Actor::spawn_linked(None, performer, (), supervisor).await?;
        Ok(performer.get_id())
    }

    async fn begin_again(&self, myself: &ActorRef<Never>, watch: &mut Watch, mut why: String) {
        loop {
            tracing::error!(duty = self.name, %why, restarts = watch.restarts.len(), "the duty broke off");
            let Some(pause) = next_restart(&mut watch.restarts, Instant::now()) else {
                let last = format!("{} broke off {RESTARTS} times within {WINDOW:?}: {why}", self.name);
                self.failed.send_replace(Some(last));
                // Without a child nothing would ever end it, and a drain would wait for that.
                myself.stop(None);
                return;
            };
            tokio::time::sleep(pause).await;
            match self.begin(myself).await {
                Ok(performer) => {
                    watch.performer = performer;
                    return;
                }
                Err(error) => why = format!("{:#}", reason(error)),
            }
        }
    }
}

/// How long to pause before the next restart; `None` if it would be one too many.
pub fn next_restart(restarts: &mut VecDeque<Instant>, now: Instant) -> Option<Duration> {
    restarts.retain(|at| now.duration_since(*at) < WINDOW);
    let earlier = restarts.len();
    if earlier >= RESTARTS {
        return None;
    }
    restarts.push_back(now);
    Some(if earlier == 0 { Duration::ZERO } else { PAUSE * 2_u32.pow(earlier as u32 - 1) })
}

/// Why something did not start, without the words of the actor framework around it.
pub fn reason(error: SpawnErr) -> anyhow::Error {
    match error {
        SpawnErr::StartupFailed(cause) => anyhow::Error::from_boxed(cause),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Breaks off a number of times, then holds.
    struct Shaky {
        breaks: usize,
        begun: watch::Sender<usize>,
    }

    #[async_trait]
    impl Duty for Shaky {
        type Running = usize;

        async fn begin(&self, _: ActorCell) -> anyhow::Result<usize> {
            let before = *self.begun.borrow();
            self.begun.send_replace(before + 1);
            Ok(before)
        }

        async fn perform(&self, nth: usize, mut drain: Drain) -> anyhow::Result<()> {
            match nth {
                0 if self.breaks > 0 => panic!("the first time"),
                nth if nth < self.breaks => anyhow::bail!("time {nth}"),
                _ => {
                    drain.begun().await;
                    Ok(())
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_duty_that_breaks_off_is_begun_again_and_drains() {
        let (begun, mut count) = watch::channel(0);
        let service = Box::new(supervise("shaky", Shaky { breaks: 3, begun }).await.unwrap());
        tokio::time::timeout(WINDOW, count.wait_for(|times| *times == 4)).await.unwrap().unwrap();
        service.drain(Duration::from_secs(5)).await;
        assert_eq!(*count.borrow(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_duty_that_never_holds_fails_the_service() {
        let (begun, count) = watch::channel(0);
        let mut service = supervise("shaky", Shaky { breaks: usize::MAX, begun }).await.unwrap();
        let why = service.failed().await.to_string();
        assert!(why.contains("shaky broke off 5 times"), "{why}");
        assert_eq!(*count.borrow(), 1 + RESTARTS);
        let why = service.failed().await.to_string();
        assert!(why.contains("broke off"), "it goes on saying so: {why}");
        let before = Instant::now();
        Box::new(service).drain(Duration::from_secs(600)).await;
        assert!(before.elapsed() < Duration::from_secs(1), "there is nothing to wait for");
    }

    struct Impossible;

    #[async_trait]
    impl Duty for Impossible {
        type Running = ();

        async fn begin(&self, _: ActorCell) -> anyhow::Result<()> {
            anyhow::bail!("the port is taken")
        }

        async fn perform(&self, (): (), _: Drain) -> anyhow::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_duty_that_cannot_begin_is_the_callers_error() {
        let error = supervise("impossible", Impossible).await.err().unwrap();
        assert_eq!(format!("{error:#}"), "impossible: the port is taken");
    }
}
