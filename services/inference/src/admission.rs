//! The door: permits to compute, and a small queue in front of them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Refusal;

/// The right to compute one request; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    _permit: OwnedSemaphorePermit,
}

/// Lets a few in and a few more wait.
#[derive(Debug)]
pub(crate) struct Admission {
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    queue: usize,
}

impl Admission {
    pub(crate) fn new(concurrency: usize, queue: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(concurrency.max(1))), waiting: Arc::default(), queue }
    }

    /// Waits for a permit. Dropping the future gives the place in the queue up.
    pub(crate) async fn enter(&self) -> Result<Permit, Refusal> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(Permit { _permit: permit });
        }
        let _place = Place::take(&self.waiting, self.queue).ok_or_else(|| {
            let queue = self.queue;
            Refusal::Exhausted(format!("{queue} requests wait already (inference.queue): try again later"))
        })?;
        let permit = self.permits.clone().acquire_owned().await;
        permit
            .map(|permit| Permit { _permit: permit })
            .map_err(|_| Refusal::Unavailable("the pod is closing".to_owned()))
    }
}

/// A place in the queue; given up when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(waiting: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        let more = |now: usize| (now < limit).then_some(now + 1);
        waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(Self(waiting.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_over_the_queue_is_refused_and_leaving_makes_room() {
        let door = Arc::new(Admission::new(1, 1));
        let first = door.enter().await.unwrap();
        let mut second = Box::pin(door.enter());
        assert!(futures::poll!(&mut second).is_pending());
        assert!(matches!(door.enter().await, Err(Refusal::Exhausted(_))));
        drop(second);
        let mut third = Box::pin(door.enter());
        assert!(futures::poll!(&mut third).is_pending(), "the caller that left gave its place up");
        drop(first);
        third.await.unwrap();
    }
}
