//! The dispatcher on the bus, under a supervisor.
//!
//! A desk that can no longer serve is opened again within the supervisor's
//! intensity. Cache and flights outlive a desk.

use anyhow::Context as _;
use async_trait::async_trait;
use ractor::ActorCell;
use spatialclaw_bus::{Bus, Serving};
use spatialclaw_models::pod::Pods;
use spatialclaw_runtime::supervise::{Drain, Duty, Supervised, supervise};

use crate::{Config, dispatch::Dispatcher};

/// What it serves on the bus.
pub const SUBJECT: &str = "perception";

/// A running dispatcher.
pub type Service = Supervised;

/// Serves the subject `perception` with `pods`.
///
/// # Errors
/// If the bus cannot serve, or the index of results cannot be opened.
pub async fn spawn(bus: Bus, pods: Pods, config: Config) -> anyhow::Result<Service> {
    let limit = config.concurrency;
    let dispatcher = Dispatcher::new(pods, bus.artifacts().clone(), config)
        .context("open the index of results (perception.index)")?;
    supervise("perception", Desk { bus, dispatcher, limit }).await
}

struct Desk {
    bus: Bus,
    dispatcher: Dispatcher,
    limit: usize,
}

#[async_trait]
impl Duty for Desk {
    type Running = Serving;

    async fn begin(&self, _: ActorCell) -> anyhow::Result<Serving> {
        let dispatcher = self.dispatcher.clone();
        let handler = move |request| dispatcher.clone().handle(request);
        Ok(self.bus.serve(SUBJECT, self.limit, handler).await?)
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
