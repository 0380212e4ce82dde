//! One session: a kernel while there is one, and the cells that made its state.
//!
//! ```text
//! asleep ──exec──→ awake ──exec──→ awake
//!    ▲               │ kernel lost: leased anew, cells run again
//!    └───suspended───┘
//! ```
//!
//! Cells are run again with the same seed and the same frames, so tools answer as before, from perception's cache. A
//! cell that was killed is not among them; one that was interrupted at its timeout is, for the same time.

use std::{path::PathBuf, sync::Arc, time::Duration};

use spatialclaw_bus::Bus;
use spatialclaw_domain::{Fault, FaultKind, KernelId, Observation, Question, SessionId};
use spatialclaw_proto::kernel::v1::{
    KernelReply, KernelRequest, LeaseReply, LeaseRequest, ReleaseRequest, RunRequest, kernel_request::Op,
};
use tokio::time::{Instant, sleep, timeout};

use super::bounds::Bounds;

/// How long a session waits for a kernel: a template that died takes seconds to start.
const LEASE: Duration = Duration::from_secs(60);
const LEASE_WORKSPACE: Duration = Duration::from_secs(2);
const LEASE_AGAIN: Duration = Duration::from_millis(50);
/// Beyond a cell's own time: interrupt, grace, report, pictures on their way to the store.
const BEYOND: Duration = Duration::from_secs(30);
/// Cells kept for a restart, and their bytes in all.
const KEPT: usize = 10_000;
const KEPT_BYTES: usize = 64 << 20;

/// What all sessions share.
pub(super) struct Desk {
    pub(super) bus: Bus,
    pub(super) question: Question,
    pub(super) bounds: Bounds,
}

pub(super) struct Session {
    desk: Arc<Desk>,
    question: Question,
    workspace: PathBuf,
    kernel: Option<Kernel>,
    /// Whether there was one before.
    has_lived: bool,
    cells: Vec<Cell>,
    step: u32,
    images_left: u32,
    calls_left: u32,
}

struct Kernel {
    id: KernelId,
    walls: String,
}

#[derive(Clone)]
struct Cell {
    code: String,
    limit: Duration,
}

/// What a cell came to.
pub(super) struct Ran {
    pub(super) seen: Result<Observation, Fault>,
    /// The kernel that ran it was not the one before, or is not the one after.
    pub(super) restarted: bool,
    pub(super) walls: String,
}

impl Session {
    pub(super) fn new(desk: Arc<Desk>, workspace: Option<PathBuf>) -> Self {
        let question = Question { session: SessionId::random(), ..desk.question.clone() };
        let bounds = &desk.bounds;
        Self {
            images_left: bounds.images,
            calls_left: if bounds.tool_calls == 0 { u32::MAX } else { bounds.tool_calls },
            question,
            workspace: workspace.unwrap_or_default(),
            kernel: None,
            has_lived: false,
            cells: Vec::new(),
            step: 0,
            desk,
        }
    }

    /// Runs one cell; afterwards there is a kernel with the state it left, if one is to be had.
    pub(super) async fn exec(&mut self, code: String, limit: Option<Duration>) -> Ran {
        let mut restarted = false;
        let cell = Cell { code, limit: limit.unwrap_or(self.desk.bounds.timeout()) };
        // A kernel can have ended since the last cell: then this cell has not run, and runs in the next one.
        let seen = loop {
            match self.wake().await {
                Ok(anew) => restarted |= anew,
                Err(fault) => break Err(fault),
            }
            match self.run(&cell, self.images_left, self.calls_left).await {
                Err(fault) if fault.kind == FaultKind::Unavailable && !restarted => self.kernel = None,
                seen => break seen,
            }
        };
        if seen.is_err() {
            self.kernel = None;
        }
        let walls = self.kernel.as_ref().map(|kernel| kernel.walls.clone()).unwrap_or_default();
        if let Ok(seen) = &seen {
            restarted |= self.settle(seen, cell).await;
        }
        Ran { seen, restarted, walls }
    }

    /// Takes the cell into account; whether the kernel was replaced.
    async fn settle(&mut self, seen: &Observation, cell: Cell) -> bool {
        self.images_left = self.images_left.saturating_sub(count(seen.shown.len()));
        if self.calls_left != u32::MAX {
            self.calls_left = self.calls_left.saturating_sub(count(seen.tool_calls.len()));
        }
        if !seen.state_lost {
            let bytes: usize = self.cells.iter().map(|cell| cell.code.len()).sum();
            if self.cells.len() < KEPT && bytes + cell.code.len() <= KEPT_BYTES {
                self.cells.push(cell);
            }
            return false;
        }
        self.kernel = None;
        // Not fatal: the next cell tries again.
        self.wake().await.is_ok()
    }

    /// Sees to it that there is a kernel with the state of all cells; whether it had to be made anew.
    async fn wake(&mut self) -> Result<bool, Fault> {
        if self.kernel.is_some() {
            return Ok(false);
        }
        let again = std::mem::replace(&mut self.has_lived, true);
        self.lease().await?;
        self.step = 0;
        for cell in self.cells.clone() {
            let seen = self.run(&cell, 0, u32::MAX).await?;
            if seen.state_lost {
                self.kernel = None;
                return Err(Fault::new(
                    FaultKind::Unavailable,
                    "an earlier cell could not be run again: it ended its kernel this time; close the session",
                ));
            }
        }
        Ok(again)
    }

    async fn lease(&mut self) -> Result<(), Fault> {
        // With a workspace that cannot be copied, no later try would do better.
        let patience = if self.workspace.as_os_str().is_empty() { LEASE } else { LEASE_WORKSPACE };
        let ends = Instant::now() + patience;
        let request = LeaseRequest {
            question: Some(self.question.clone().into()),
            workspace: self.workspace.to_string_lossy().into_owned(),
            ..LeaseRequest::default()
        };
        loop {
            match self.desk.bus.ask::<_, LeaseReply>("executor.lease", &request, LEASE).await {
                Ok(reply) => {
                    let id = reply.kernel.parse().map_err(|error| unreadable(&error))?;
                    self.kernel = Some(Kernel { id, walls: reply.walls });
                    return Ok(());
                }
                Err(fault) if fault.is_retryable() && Instant::now() < ends => sleep(LEASE_AGAIN).await,
                Err(fault) if self.workspace.as_os_str().is_empty() => return Err(fault),
                Err(fault) => {
                    let message = format!(
                        "{fault} (its workspace {} must be readable, fit the scratch directory and hold nothing that \
                         kernels need)",
                        self.workspace.display()
                    );
                    return Err(Fault::new(fault.kind, message));
                }
            }
        }
    }

    async fn run(&mut self, cell: &Cell, images: u32, calls: u32) -> Result<Observation, Fault> {
        let Some(kernel) = &self.kernel else {
            return Err(Fault::new(FaultKind::Unavailable, "there is no kernel"));
        };
        self.step += 1;
        let run = RunRequest {
            step: self.step,
            code: cell.code.clone(),
            deadline_ms: u32::try_from(cell.limit.as_millis()).unwrap_or(u32::MAX),
            shown_images_left: images,
            tool_calls_left: calls,
            ..RunRequest::default()
        };
        let request = KernelRequest { op: Some(Op::Run(run)) };
        let subject = format!("kernel.{}", kernel.id);
        let reply: KernelReply =
            self.desk.bus.ask(&subject, &request, cell.limit.saturating_add(BEYOND)).await?;
        let seen = reply.observation.ok_or_else(|| unreadable(&"no observation"))?;
        Observation::try_from(seen).map_err(|error| unreadable(&error))
    }

    /// Gives the kernel up; the state comes back with the next cell.
    pub(super) async fn sleep(&mut self) {
        if let Some(kernel) = self.kernel.take() {
            let request = KernelRequest { op: Some(Op::Release(ReleaseRequest {})) };
            let subject = format!("kernel.{}", kernel.id);
            // It may be gone already.
            let _gone = timeout(LEASE, self.desk.bus.ask::<_, KernelReply>(&subject, &request, LEASE)).await;
        }
    }
}

fn unreadable(what: &dyn std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Internal, format!("the executor's answer is unreadable: {what}"))
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
