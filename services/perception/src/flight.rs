//! Identical work in flight is done once.
//!
//! Whoever comes first starts it, whoever comes while it runs waits for the
//! same outcome. It is driven by those who wait: if the first one leaves, the
//! others go on; if all leave, it stops.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared, WeakShared},
};

/// Work in flight, by key.
pub(crate) struct Flights<K, T: Clone>(Mutex<HashMap<K, WeakShared<BoxFuture<'static, T>>>>);

impl<K, T: Clone> Default for Flights<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Copy + Eq + Hash, T: Clone + Send + Sync + 'static> Flights<K, T> {
    /// Joins the work under `key`, or starts `work`. Says whether it was joined.
    pub(crate) async fn join(&self, key: K, work: impl FnOnce() -> BoxFuture<'static, T>) -> (T, bool) {
        let (flight, joined) = self.board(key, work);
        let outcome = flight.await;
        // Only a flight nobody is left on: the same key may be in the air again.
        let mut flights = self.lock();
        if flights.get(&key).is_some_and(|weak| weak.upgrade().is_none_or(|flight| flight.peek().is_some())) {
            flights.remove(&key);
        }
        (outcome, joined)
    }

    fn board(
        &self,
        key: K,
        work: impl FnOnce() -> BoxFuture<'static, T>,
    ) -> (Shared<BoxFuture<'static, T>>, bool) {
        let mut flights = self.lock();
        if let Some(flight) = flights.get(&key).and_then(WeakShared::upgrade) {
            return (flight, true);
        }
        // Flights whose passengers all left are still listed.
        flights.retain(|_, weak| weak.upgrade().is_some());
        let flight = work().shared();
        if let Some(weak) = flight.downgrade() {
            flights.insert(key, weak);
        }
        (flight, false)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, WeakShared<BoxFuture<'static, T>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn identical_work_is_done_once_even_if_the_first_leaves() {
        let flights = Flights::<u8, u8>::default();
        let (started, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let work = |answer| {
            let (started, gate) = (started.clone(), gate.clone());
            move || {
                async move {
                    started.fetch_add(1, Ordering::SeqCst);
                    gate.notified().await;
                    answer
                }
                .boxed()
            }
        };
        let mut first = Box::pin(flights.join(1, work(7)));
        assert!(futures::poll!(&mut first).is_pending());
        let mut second = Box::pin(flights.join(1, work(8)));
        assert!(futures::poll!(&mut second).is_pending());
        let mut other = Box::pin(flights.join(2, work(9)));
        assert!(futures::poll!(&mut other).is_pending());
        drop(first);
        assert!(futures::poll!(&mut second).is_pending());
        gate.notify_waiters();
        assert_eq!(second.await, (7, true));
        assert_eq!(other.await, (9, false));
        assert_eq!(started.load(Ordering::SeqCst), 2);
        gate.notify_one();
        assert_eq!(flights.join(1, work(5)).await, (5, false), "done work is not kept here");
    }
}
