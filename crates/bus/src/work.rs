//! Works on a queue: one loop for every carrier.
//!
//! ```text
//! permit → claim ──> handler ──Finished──> finish
//!             │         ├──────Retry─────> retry, or bury after the last delivery
//!             │         ├──────panic─────> as Retry
//!             │         └──────Dead──────> bury
//!             └─ one delivery too many, or unreadable ──> bury
//! ```
//!
//! Before a job is buried, the session that its id names is closed in its journal: nobody waits for ever.
//!
//! A claim is only made with a permit in hand, so a claimed job never waits for a free worker. Signs of life come
//! from a task of their own: a handler that blocks its thread keeps its claim.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::{Instrument as _, info_span};

use crate::{
    Delivery, Done, Error, Queue,
    carrier::{Claim, Job, Jobs},
    envelope,
    serve::panic_text,
};

/// Times the attempt number: before a job whose handler panicked is delivered again.
const PANIC_RETRY: Duration = Duration::from_millis(200);

pub(crate) type Handler = Arc<dyn Fn(Bytes, Delivery) -> BoxFuture<'static, Done> + Send + Sync>;

/// Tells whoever waits for a job (its id, why) that nobody will do it.
pub(crate) type Closing = Arc<dyn Fn(String, String) -> BoxFuture<'static, Result<(), Error>> + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) queue: Queue,
    pub(crate) limit: usize,
    pub(crate) max_deliveries: u32,
    pub(crate) ack_wait: Duration,
    pub(crate) handler: Handler,
    pub(crate) closing: Closing,
}

impl Worker {
    /// Until `stop`, then until what runs is settled.
    pub(crate) async fn run(self, mut jobs: Box<dyn Jobs>, stop: CancellationToken) -> Result<(), Error> {
        let permits = Arc::new(Semaphore::new(self.limit));
        let mut running = JoinSet::new();
        let ended = loop {
            while running.try_join_next().is_some() {}
            let claim = async {
                let permit = Arc::clone(&permits).acquire_owned().await;
                jobs.next().await.map(|job| (job, permit))
            };
            let (job, permit) = tokio::select! {
                biased;
                () = stop.cancelled() => break Ok(()),
                claimed = claim => match claimed {
                    Ok(claimed) => claimed,
                    // What runs is not to blame for a claim that failed.
                    Err(error) => break Err(error),
                },
            };
            let worker = self.clone();
            running.spawn(async move {
                worker.deliver(job).await;
                drop(permit);
            });
        };
        drop(jobs);
        while running.join_next().await.is_some() {}
        ended
    }

    async fn deliver(&self, job: Job) {
        let delivery = Delivery {
            id: job.envelope.header(envelope::ID).to_owned(),
            attempt: job.attempt,
            is_last: job.attempt >= self.max_deliveries,
        };
        let span = info_span!(
            "work",
            otel.kind = "consumer",
            spatialclaw.queue = self.queue.name(),
            spatialclaw.job = %delivery.id,
            spatialclaw.attempt = delivery.attempt,
        );
        job.envelope.continue_trace(&span);
        self.work(job.envelope.body, delivery, Arc::from(job.claim)).instrument(span).await;
    }

    async fn work(&self, body: Bytes, delivery: Delivery, claim: Arc<dyn Claim>) {
        let done = if delivery.attempt > self.max_deliveries {
            Done::Dead { reason: format!("its worker went away {} times", self.max_deliveries) }
        } else {
            let _alive = keep_alive(Arc::clone(&claim), self.ack_wait / 3);
            self.handle(body, delivery.clone()).await
        };
        if let Err(error) = self.settle(&*claim, &delivery, done).await {
            let error = spatialclaw_domain::Fault::from(error);
            tracing::warn!(%error, job = %delivery.id, "a job was not settled; it is delivered again");
        }
    }

    async fn handle(&self, body: Bytes, delivery: Delivery) -> Done {
        let attempt = delivery.attempt;
        let handled = AssertUnwindSafe(async { (self.handler)(body, delivery).await }).catch_unwind().await;
        handled.unwrap_or_else(|panic| {
            let reason = format!("the handler panicked: {}", panic_text(&*panic));
            Done::Retry { wait: PANIC_RETRY.saturating_mul(attempt), reason }
        })
    }

    async fn settle(&self, claim: &dyn Claim, delivery: &Delivery, done: Done) -> Result<(), Error> {
        match done {
            Done::Finished => claim.finish().await,
            Done::Retry { wait, reason } if !delivery.is_last => {
                tracing::info!(job = %delivery.id, attempt = delivery.attempt, ?wait, %reason, "a job is tried again");
                claim.retry(wait).await
            }
            Done::Retry { reason, .. } | Done::Dead { reason } => {
                tracing::error!(
                    queue = self.queue.name(), job = %delivery.id, attempt = delivery.attempt, %reason,
                    "a job goes to the dead-letter place"
                );
                // First the word to whoever waits: if that fails the job is given back, not forgotten.
                if let Err(error) = (self.closing)(delivery.id.clone(), reason.clone()).await {
                    claim.retry(self.ack_wait).await?;
                    return Err(error);
                }
                claim.bury(&envelope::one_line(&reason)).await
            }
        }
    }
}

/// Extends the claim until the handle is dropped.
fn keep_alive(claim: Arc<dyn Claim>, every: Duration) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            tokio::time::sleep(every).await;
            if let Err(error) = claim.extend().await {
                let error = spatialclaw_domain::Fault::from(error);
                tracing::warn!(%error, "a claim was not extended");
            }
        }
    }))
}
