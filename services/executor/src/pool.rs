//! A fixed number of seats, and how a lease fills one.
//!
//! A seat is taken for the whole life of a kernel, from before its fork until its process, its scratch directory and
//! its subject are gone. No kernel is ever given to a second session.

use std::{path::PathBuf, sync::Arc, time::Duration};

use ractor::{Actor, ActorCell};
use spatialclaw_bus::Bus;
use spatialclaw_domain::{Fault, FaultKind, KernelId, Question};
use spatialclaw_proto::kernel::v1::{LeaseReply, LeaseRequest};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, timeout},
};
use tracing::{Instrument as _, field::Empty, info_span};

use crate::{
    Config,
    blob::Blobs,
    host::Host,
    kernel::{FRAME_LIMIT, Kernel, Registry, Start, Worker},
    picture::Pictures,
    pipe,
    scratch::Scratch,
    template, workspace,
};

/// When a full pool is worth asking again.
const FULL_RETRY: Duration = Duration::from_millis(500);

/// Leases kernels. Clones share the seats.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    bus: Bus,
    config: Arc<Config>,
    /// This executor's name in replies.
    executor: String,
    template: watch::Receiver<Option<template::Handle>>,
    supervisor: ActorCell,
    scratch: Arc<Scratch>,
    pictures: Arc<Pictures>,
    blobs: Arc<Blobs>,
    seats: Arc<Semaphore>,
    registry: Registry,
}

impl Pool {
    pub(crate) fn new(
        bus: Bus,
        config: Arc<Config>,
        template: watch::Receiver<Option<template::Handle>>,
        supervisor: ActorCell,
        scratch: Arc<Scratch>,
    ) -> Self {
        let pictures = Arc::new(Pictures::new(bus.artifacts().clone(), &config));
        let blobs = Arc::new(Blobs::new(bus.artifacts().clone(), config.kept_tensors.as_u64()));
        let seats = Arc::new(Semaphore::new(config.kernels));
        let executor = KernelId::random().to_string();
        let registry = Registry::default();
        Self(Arc::new(Shared {
            bus,
            config,
            executor,
            template,
            supervisor,
            scratch,
            pictures,
            blobs,
            seats,
            registry,
        }))
    }

    /// Answers an ask on `executor.lease`.
    ///
    /// # Errors
    /// `exhausted` when every seat is taken, `unavailable` while there is no template, `invalid` for a question
    /// without frames. A kernel that the session had before is ended in any of these cases but the last.
    pub(crate) async fn lease(&self, request: LeaseRequest) -> Result<LeaseReply, Fault> {
        let span = info_span!("lease", spatialclaw.kernel = Empty, spatialclaw.walls = Empty);
        self.0.lease(request).instrument(span).await
    }

    /// Waits until every kernel is gone.
    pub(crate) async fn emptied(&self) {
        let seats = u32::try_from(self.0.config.kernels).unwrap_or(u32::MAX);
        // Never closed, so this resolves when all seats are free.
        let _all = self.0.seats.acquire_many(seats).await;
    }

    pub(crate) fn kernels(&self) -> Vec<crate::kernel::Handle> {
        self.0.registry.all()
    }
}

impl Shared {
    async fn lease(&self, request: LeaseRequest) -> Result<LeaseReply, Fault> {
        let question = request.question.ok_or_else(|| invalid("the lease names no question"))?;
        let question = Question::try_from(question)?;
        let workspace = workspace::admitted(&request.workspace, &self.config.workspaces)?;
        let owner = owner(request.owner)?;
        if question.frames.is_empty() {
            return Err(invalid("the question has no frames"));
        }
        // Before the seats: the one it frees may be the one that is wanted.
        self.registry.supersede(question.session);
        let seat = Arc::clone(&self.seats).try_acquire_owned().map_err(|_| self.full())?;
        let limit = self.config.lease_deadline;
        timeout(limit, Box::pin(self.open(question, workspace, owner, seat))).await.map_err(|_| {
            unavailable(format!("no kernel was ready within {limit:?} (executor.lease_deadline)"))
        })?
    }

    async fn open(
        &self,
        question: Question,
        workspace: Option<PathBuf>,
        owner: String,
        seat: OwnedSemaphorePermit,
    ) -> Result<LeaseReply, Fault> {
        let started = Instant::now();
        let template = self.template.borrow().clone();
        let template = template.ok_or_else(|| unavailable("the template is being started"))?;
        let id = KernelId::random();
        let scratch = self.scratch.kernel(id).map_err(|error| machine("make a scratch directory", &error))?;
        let (reader, writer, socket) =
            pipe::pair(FRAME_LIMIT).map_err(|error| machine("make a socket", &error))?;
        let order = template::Order {
            session: question.session,
            scratch: scratch.path().to_owned(),
            limits: limits(&self.config),
            workspace,
            socket,
        };
        // Shorter than the whole: it is the fork's own deadline that ends a template which hangs.
        let forked = template.fork(order, self.config.lease_deadline / 2).await?;
        let mut worker = Worker::new(reader, writer, forked);
        let (config, pictures, blobs) =
            (Arc::clone(&self.config), Arc::clone(&self.pictures), Arc::clone(&self.blobs));
        let host = Host::new(self.bus.clone(), config, pictures, blobs, question);
        let ready = worker.open(host.open()).await.map_err(|lost| unavailable(lost.to_string()))?;
        if ready.walls != *template.walls {
            let (stands, promised) = (&ready.walls, &template.walls);
            return Err(Fault::new(
                FaultKind::Internal,
                format!("a kernel has walls `{stands}`, not `{promised}`"),
            ));
        }
        let start = Start {
            id,
            bus: self.bus.clone(),
            config: Arc::clone(&self.config),
            registry: self.registry.clone(),
            host,
            worker,
            scratch,
            seat,
            owner,
        };
        let spawned = Actor::spawn_linked(None, Kernel, start, self.supervisor.clone()).await;
        spawned.map_err(|error| unavailable(format!("the kernel could not be put on the bus: {error}")))?;
        let span = tracing::Span::current();
        span.record("spatialclaw.kernel", id.to_string()).record("spatialclaw.walls", &ready.walls);
        let seconds = started.elapsed().as_secs_f64();
        Ok(LeaseReply {
            kernel: id.to_string(),
            executor: self.executor.clone(),
            walls: ready.walls,
            seconds,
        })
    }

    fn full(&self) -> Fault {
        let message =
            format!("all {} kernels of this executor are leased (executor.kernels)", self.config.kernels);
        Fault::new(FaultKind::Exhausted, message).retry_after(FULL_RETRY)
    }
}

fn limits(config: &Config) -> template::Limits {
    let kernel = &config.kernel;
    template::Limits {
        memory_bytes: kernel.memory.as_u64(),
        cpu_seconds: kernel.cpu_seconds,
        file_bytes: kernel.file.as_u64(),
        scratch_bytes: kernel.scratch.as_u64(),
        open_files: kernel.open_files,
        threads: kernel.threads,
        output_chars: kernel.output_chars,
    }
}

/// A lease key that can be watched, or nothing.
fn owner(key: String) -> Result<String, Fault> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let is_key = key.len() <= 128 && key.chars().all(fits) && key.split('.').all(|token| !token.is_empty());
    if key.is_empty() || is_key {
        return Ok(key);
    }
    Err(invalid("the lease's owner is no lease key: it must be dotted tokens of a-z, 0-9, - and _"))
}

fn invalid(message: &str) -> Fault {
    Fault::new(FaultKind::Invalid, message)
}

fn unavailable(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Unavailable, message).retry_after(Duration::from_secs(1))
}

fn machine(step: &str, error: &(dyn std::error::Error + 'static)) -> Fault {
    tracing::error!(error, "a kernel could not be started");
    unavailable(format!("a kernel could not be started: cannot {step}: {error}"))
}
