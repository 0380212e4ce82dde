//! Takes jobs off the plan queue, under a supervisor.
//!
//! An intake that breaks off is begun again with bounded intensity.

use std::sync::Arc;

use async_trait::async_trait;
use ractor::ActorCell;
use spatialclaw_bus::{Bus, Queue, Serving};
use spatialclaw_models::LanguageModel;
use spatialclaw_runtime::supervise::{Drain, Duty, Supervised, supervise};

use crate::{
    Config,
    plan::{Desk, plan},
};

/// A running planner.
pub type Service = Supervised;

/// Begins to work on the plan queue.
///
/// # Errors
/// If the queue cannot be worked on.
pub async fn spawn(bus: Bus, model: Arc<dyn LanguageModel>, config: Config) -> anyhow::Result<Service> {
    supervise("planner", Intake(Desk { bus, model, config: Arc::new(config) })).await
}

struct Intake(Desk);

#[async_trait]
impl Duty for Intake {
    type Running = Serving;

    async fn begin(&self, _: ActorCell) -> anyhow::Result<Serving> {
        let desk = self.0.clone();
        let handler = move |job, delivery| plan(desk.clone(), job, delivery);
        Ok(self.0.bus.work(Queue::Plan, self.0.config.concurrency, handler).await?)
    }

    async fn perform(&self, mut serving: Serving, mut drain: Drain) -> anyhow::Result<()> {
        let deadline = tokio::select! {
            error = serving.failed() => return Err(error.into()),
            deadline = drain.begun() => deadline,
        };
        serving.drain(deadline).await;
        Ok(())
    }
}
