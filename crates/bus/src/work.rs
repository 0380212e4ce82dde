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
//! A claim is only made with a permit in hand, so a claimed job never waits for a free worker. Signs of life come
//! from a task of their own: a handler that blocks its thread keeps its claim.
//!
//! Failures:
//! * **a claim fails**: another after a growing wait; after [`CLAIMS`] in a row the worker ends, once what runs is
//!   settled: what runs is not to blame;
//! * **burying fails**: before a job is buried, the session that its id names is closed, so that nobody waits for ever.
//!   If either step fails the job is given back, to be delivered again no sooner than a claim would lapse.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use spatialclaw_domain::{Fault, FaultKind};
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
/// Claims that may fail in a row, and the wait after the first; doubles up to the longest. Half a minute in all.
const CLAIMS: u32 = 10;
const CLAIM_AGAIN: Duration = Duration::from_millis(100);
const MAX_CLAIM_AGAIN: Duration = Duration::from_secs(5);

pub(crate) type Handler = Arc<dyn Fn(Bytes, Delivery) -> BoxFuture<'static, Done> + Send + Sync>;

/// Tells whoever waits for a job (its id) why nobody will do it.
pub(crate) type Closing = Arc<dyn Fn(String, Fault) -> BoxFuture<'static, Result<(), Error>> + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) queue: Queue,
    pub(crate) limit: usize,
    pub(crate) max_deliveries: u32,
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
                self.claim(&mut *jobs).await.map(|job| (job, permit))
            };
            let (job, permit) = tokio::select! {
                biased;
                () = stop.cancelled() => break Ok(()),
                claimed = claim => match claimed {
                    Ok(claimed) => claimed,
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

    async fn claim(&self, jobs: &mut dyn Jobs) -> Result<Job, Error> {
        let (mut failures, mut wait) = (0, CLAIM_AGAIN);
        loop {
            let error = match jobs.next().await {
                Ok(job) => return Ok(job),
                Err(error) => error,
            };
            failures += 1;
            if failures >= CLAIMS {
                return Err(error);
            }
            let error = Fault::from(error);
            tracing::warn!(%error, queue = self.queue.name(), ?wait, "a claim failed");
            tokio::time::sleep(wait).await;
            wait = (2 * wait).min(MAX_CLAIM_AGAIN);
        }
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
        self.work(job, delivery).instrument(span).await;
    }

    async fn work(&self, job: Job, delivery: Delivery) {
        let claim = Arc::<dyn Claim>::from(job.claim);
        let done = if delivery.attempt > self.max_deliveries {
            let reason = format!("its worker went away {} times", self.max_deliveries);
            Done::Retry { wait: Duration::ZERO, reason }
        } else {
            let _alive = keep_alive(Arc::clone(&claim), job.ack_wait / 3);
            self.handle(job.envelope.body, delivery.clone()).await
        };
        if let Err(error) = self.settle(&*claim, &delivery, done, job.ack_wait).await {
            let error = Fault::from(error);
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

    async fn settle(
        &self,
        claim: &dyn Claim,
        delivery: &Delivery,
        done: Done,
        ack_wait: Duration,
    ) -> Result<(), Error> {
        let fault = match done {
            Done::Finished => return claim.finish().await,
            Done::Retry { wait, reason } if !delivery.is_last => {
                tracing::info!(job = %delivery.id, attempt = delivery.attempt, ?wait, %reason, "a job is tried again");
                return claim.retry(wait).await;
            }
            Done::Retry { reason, .. } => Fault::new(FaultKind::Unavailable, reason),
            Done::Dead { reason } => Fault::new(FaultKind::Internal, reason),
        };
        if let Err(error) = self.bury(claim, delivery, fault).await {
            claim.retry(ack_wait).await?;
            return Err(error);
        }
        Ok(())
    }

    /// First the word to whoever waits for it: a job that was buried is looked at by nobody.
    async fn bury(&self, claim: &dyn Claim, delivery: &Delivery, fault: Fault) -> Result<(), Error> {
        let reason = envelope::one_line(&fault.message);
        tracing::error!(
            queue = self.queue.name(), job = %delivery.id, attempt = delivery.attempt, %reason,
            "a job goes to the dead-letter place"
        );
        (self.closing)(delivery.id.clone(), fault).await?;
        claim.bury(&reason).await
    }
}

/// Extends the claim until the handle is dropped.
fn keep_alive(claim: Arc<dyn Claim>, every: Duration) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            tokio::time::sleep(every).await;
            if let Err(error) = claim.extend().await {
                let error = Fault::from(error);
                tracing::warn!(%error, "a claim was not extended");
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, sync::Mutex};

    use async_trait::async_trait;
    use tokio::sync::Notify;

    use super::*;
    use crate::Envelope;

    const ACK_WAIT: Duration = Duration::from_secs(30);

    /// What was done with claims, in words.
    type Log = Arc<Mutex<Vec<String>>>;

    struct Note(Log, bool);

    impl Note {
        fn write(&self, what: String) {
            self.0.lock().unwrap().push(what);
        }
    }

    #[async_trait]
    impl Claim for Note {
        async fn extend(&self) -> Result<(), Error> {
            Ok(())
        }
        async fn finish(&self) -> Result<(), Error> {
            self.write("finished".to_owned());
            Ok(())
        }
        async fn retry(&self, wait: Duration) -> Result<(), Error> {
            self.write(format!("again after {wait:?}"));
            Ok(())
        }
        async fn bury(&self, reason: &str) -> Result<(), Error> {
            self.write(format!("buried: {reason}"));
            if self.1 { Ok(()) } else { Err(away()) }
        }
    }

    fn away() -> Error {
        Error::carrier("test", "the carrier is away")
    }

    /// Hands out what it has, then fails.
    struct Script(VecDeque<Job>);

    #[async_trait]
    impl Jobs for Script {
        async fn next(&mut self) -> Result<Job, Error> {
            self.0.pop_front().ok_or_else(away)
        }
    }

    fn job(log: &Log, attempt: u32, can_bury: bool) -> Job {
        let claim = Box::new(Note(Arc::clone(log), can_bury));
        Job { envelope: Envelope::default(), attempt, ack_wait: ACK_WAIT, claim }
    }

    fn worker(handler: Handler, can_close: bool, log: &Log) -> Worker {
        let log = Arc::clone(log);
        let closing: Closing = Arc::new(move |_, fault| {
            log.lock().unwrap().push(format!("closed: {} {}", fault.kind.as_str(), fault.message));
            Box::pin(async move { if can_close { Ok(()) } else { Err(away()) } })
        });
        Worker { queue: Queue::Plan, limit: 2, max_deliveries: 2, handler, closing }
    }

    async fn deliver(attempt: u32, can_close: bool, can_bury: bool) -> Vec<String> {
        let log = Log::default();
        let handler: Handler = Arc::new(|_, _| Box::pin(async { panic!("always") }));
        worker(handler, can_close, &log).deliver(job(&log, attempt, can_bury)).await;
        log.lock().unwrap().clone()
    }

    #[tokio::test]
    async fn a_session_is_closed_before_its_job_is_buried() {
        assert_eq!(deliver(1, true, true).await, ["again after 200ms"]);
        let reason = "the handler panicked: always";
        let closed = format!("closed: unavailable {reason}");
        assert_eq!(deliver(2, true, true).await, [closed, format!("buried: {reason}")]);
        let reason = "its worker went away 2 times";
        let closed = format!("closed: unavailable {reason}");
        assert_eq!(deliver(3, true, true).await, [closed, format!("buried: {reason}")]);
    }

    #[tokio::test]
    async fn a_job_that_cannot_be_buried_comes_back_later() {
        let again = "again after 30s";
        let unclosed = deliver(2, false, true).await;
        assert_eq!((unclosed.len(), unclosed[1].as_str()), (2, again), "{unclosed:?}");
        let unburied = deliver(2, true, false).await;
        assert_eq!((unburied.len(), unburied[2].as_str()), (3, again), "{unburied:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_runs_is_finished_although_claims_fail() {
        let (log, go) = (Log::default(), Arc::new(Notify::new()));
        let door = Arc::clone(&go);
        let handler: Handler = Arc::new(move |_, _| {
            let go = Arc::clone(&door);
            Box::pin(async move {
                go.notified().await;
                Done::Finished
            })
        });
        let jobs = Box::new(Script(VecDeque::from([job(&log, 1, true)])));
        let running = tokio::spawn(worker(handler, true, &log).run(jobs, CancellationToken::new()));
        // Longer than all claims can take; time is paused, so this only lets everybody else come to rest.
        tokio::time::sleep(CLAIMS * MAX_CLAIM_AGAIN).await;
        assert!(!running.is_finished(), "a job still runs");
        go.notify_one();
        assert!(matches!(running.await.unwrap(), Err(Error::Carrier { .. })));
        assert_eq!(*log.lock().unwrap(), ["finished"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_that_fails_is_made_again() {
        struct Flaky(Log, u32);
        #[async_trait]
        impl Jobs for Flaky {
            async fn next(&mut self) -> Result<Job, Error> {
                self.1 += 1;
                match self.1 {
                    ..CLAIMS => Err(away()),
                    CLAIMS => Ok(job(&self.0, 1, true)),
                    _ => std::future::pending().await,
                }
            }
        }
        let (log, stop) = (Log::default(), CancellationToken::new());
        let handler: Handler = Arc::new(|_, _| Box::pin(async { Done::Finished }));
        let jobs = Box::new(Flaky(Arc::clone(&log), 0));
        let running = tokio::spawn(worker(handler, true, &log).run(jobs, stop.clone()));
        tokio::time::sleep(CLAIMS * MAX_CLAIM_AGAIN).await;
        stop.cancel();
        running.await.unwrap().unwrap();
        assert_eq!(*log.lock().unwrap(), ["finished"]);
    }
}
