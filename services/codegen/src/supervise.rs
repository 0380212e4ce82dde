//! Takes jobs off the solve queue and answers for the vision model, under a supervisor.
//!
//! An intake that breaks off is begun again with bounded intensity. A session's actor is linked to the same
//! supervisor but never started again: its job is delivered again, and the next actor resumes from the journal.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ractor::ActorCell;
use spatialclaw_bus::{Bus, Queue, Serving};
use spatialclaw_models::LanguageModel;
use spatialclaw_runtime::supervise::{Drain, Duty, Supervised, supervise};

use crate::{
    Config,
    job::{Desk, solve},
    vision::{SUBJECT, Seer},
};

/// A running codegen.
pub type Service = Supervised;

/// Begins to work on the solve queue.
///
/// # Errors
/// If the queue cannot be worked on.
pub async fn spawn(bus: Bus, model: Arc<dyn LanguageModel>, config: Config) -> anyhow::Result<Service> {
    let seer = Seer::new(Arc::clone(&model), config.vision_deadline);
    supervise("codegen", Intake { bus, model, config: Arc::new(config), seer }).await
}

/// For the last answer to a cell once there are no sessions left.
const FAREWELL: Duration = Duration::from_millis(500);

struct Intake {
    bus: Bus,
    model: Arc<dyn LanguageModel>,
    config: Arc<Config>,
    seer: Seer,
}

/// What an intake has open.
struct Running {
    jobs: Serving,
    vision: Serving,
}

#[async_trait]
impl Duty for Intake {
    type Running = Running;

    async fn begin(&self, supervisor: ActorCell) -> anyhow::Result<Running> {
        let seer = self.seer.clone();
        let see = move |request| {
            let seer = seer.clone();
            async move { seer.answer(request).await }
        };
        let vision = self.bus.serve(SUBJECT, self.config.vision_concurrency, see).await?;
        let (bus, model, config) = (self.bus.clone(), Arc::clone(&self.model), Arc::clone(&self.config));
        let desk = Desk { bus, model, config };
        let handler = move |job, delivery| solve(desk.clone(), supervisor.clone(), job, delivery);
        let jobs = self.bus.work(Queue::Solve, self.config.concurrency, handler).await?;
        Ok(Running { jobs, vision })
    }

    async fn perform(&self, mut running: Running, mut drain: Drain) -> anyhow::Result<()> {
        let deadline = tokio::select! {
            error = running.jobs.failed() => return Err(error.into()),
            error = running.vision.failed() => return Err(error.into()),
            deadline = drain.begun() => deadline,
        };
        // Cells that still run may still ask.
        let farewell = FAREWELL.min(deadline / 10);
        running.jobs.drain(deadline - farewell).await;
        running.vision.drain(farewell).await;
        Ok(())
    }
}
