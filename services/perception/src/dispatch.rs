//! One ask, from request to reply.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use spatialclaw_bus::ArtifactStore;
use spatialclaw_domain::{Fault, FaultKind};
use spatialclaw_models::pod::Pods;
use spatialclaw_proto::perception::v1 as wire;
use tokio::{sync::Semaphore, time::Instant};
use tracing::{Instrument as _, Span, field, info_span};

use crate::{
    Config,
    cache::{Cache, Found},
    flight::Flights,
    key::Key,
    reconstruct,
    request::Ask,
    route::{self, Chosen},
    segment, tensors,
};

/// Pixels that one permit to make a result stands for.
const PERMIT_PIXELS: u64 = 1024;
/// Longest pause between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Answers asks. Clones share cache and flights.
#[derive(Clone)]
pub(crate) struct Dispatcher(Arc<Inner>);

struct Inner {
    pods: Pods,
    store: ArtifactStore,
    config: Config,
    cache: Mutex<Cache>,
    flights: Flights<Key, Result<Found, Fault>>,
    /// Results are made in memory: only so many pixels of them at once.
    room: Semaphore,
}

fn permits(pixels: u64) -> u32 {
    u32::try_from(pixels.div_ceil(PERMIT_PIXELS)).unwrap_or(u32::MAX)
}

impl Dispatcher {
    pub(crate) fn new(pods: Pods, store: ArtifactStore, config: Config) -> std::io::Result<Self> {
        let cache = Mutex::new(Cache::open(config.cache_entries, config.index.as_deref())?);
        let room = Semaphore::new(permits(config.max_pixels) as usize);
        Ok(Self(Arc::new(Inner { pods, store, config, cache, flights: Flights::default(), room })))
    }

    /// Answers one ask.
    ///
    /// # Errors
    /// A fault for the model that wrote the cell: it names the value and the fix.
    pub(crate) async fn handle(
        self,
        request: wire::PerceptionRequest,
    ) -> Result<wire::PerceptionReply, Fault> {
        let span = info_span!(
            "perceive",
            spatialclaw.session = %request.session,
            op = field::Empty,
            engine = field::Empty,
            cached = field::Empty,
            joined = field::Empty,
            fault = field::Empty,
        );
        let deadline = self.0.config.deadline;
        let answer = async {
            let answer = tokio::time::timeout(deadline, self.perceive(request)).await.unwrap_or_else(|_| {
                let message = format!("perception took longer than {deadline:?} (perception.deadline)");
                Err(Fault::new(FaultKind::Deadline, message))
            });
            if let Err(fault) = &answer {
                Span::current().record("fault", fault.kind.as_str());
            }
            answer
        };
        answer.instrument(span).await
    }

    async fn perceive(&self, request: wire::PerceptionRequest) -> Result<wire::PerceptionReply, Fault> {
        let started = Instant::now();
        let ask = Ask::read(request, &self.0.config)?;
        Span::current().record("op", ask.name());
        let chosen = self.0.persistent(|| route::choose(&self.0.pods, &ask)).await?;
        Span::current().record("engine", chosen.engine.as_str());
        let key = Key::of(&ask, &chosen)?;
        let (found, cached) = match self.0.recalled(key).await? {
            Some(found) => (found, true),
            None => (self.computed(key, ask, chosen).await?, false),
        };
        Span::current().record("cached", cached);
        Ok(wire::PerceptionReply {
            tensors: Some(found.tensors.into()),
            engine: found.engine,
            model: found.model,
            cached,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    async fn computed(&self, key: Key, ask: Ask, chosen: Chosen) -> Result<Found, Fault> {
        let inner = self.0.clone();
        let span = Span::current();
        let work = move || -> BoxFuture<'static, Result<Found, Fault>> {
            async move { inner.compute(key, &ask, &chosen).await }.instrument(span).boxed()
        };
        let (found, joined) = self.0.flights.join(key, work).await;
        Span::current().record("joined", joined);
        found
    }
}

impl Inner {
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered, if the artifact store still holds it.
    async fn recalled(&self, key: Key) -> Result<Option<Found>, Fault> {
        let Some(found) = self.cache().get(key) else { return Ok(None) };
        if self.store.holds(found.tensors.digest).await? {
            return Ok(Some(found));
        }
        self.cache().forget(key);
        Ok(None)
    }

    async fn compute(&self, key: Key, ask: &Ask, chosen: &Chosen) -> Result<Found, Fault> {
        let room = self.room.acquire_many(permits(ask.pixels())).await;
        let _room = room.map_err(|_| Fault::new(FaultKind::Unavailable, "the dispatcher is closing"))?;
        let file = self
            .persistent(|| async {
                match ask {
                    Ask::Reconstruct(ask) => reconstruct::answer(&self.store, chosen, ask).await,
                    Ask::Segment(ask) => segment::answer(&self.store, chosen, ask, &self.config).await,
                }
            })
            .await?;
        let tensors = self.store.put(file.finish(), tensors::MEDIA_TYPE).await?;
        let found = Found { tensors, engine: chosen.engine.clone(), model: chosen.model.clone() };
        self.cache().put(key, found.clone());
        Ok(found)
    }

    /// Tries again what may work later, a few times.
    async fn persistent<T, F, Fut>(&self, attempt: F) -> Result<T, Fault>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, Fault>>,
    {
        let mut wait = self.config.retry_wait;
        let mut attempts = 1;
        loop {
            match attempt().await {
                Err(fault) if fault.is_retryable() && attempts < self.config.attempts => {
                    let pause = fault.retry_after.unwrap_or(wait).min(LONGEST_WAIT);
                    tracing::warn!(%fault, attempts, ?pause, "trying again");
                    tokio::time::sleep(pause).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                    attempts += 1;
                }
                outcome => return outcome,
            }
        }
    }
}
