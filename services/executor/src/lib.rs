//! Leases kernels, runs cells, serves what a cell asks for, and turns what came back into an observation.
//!
//! ```text
//!  bus: executor.lease ──→ pool ──fork──→ template (Python, everything imported)
//!                            │                │ forks
//!                            ▼                ▼
//!  bus: kernel.<id> ─────→ kernel ⇄ pipe ⇄ child (one interpreter, behind walls)
//!                            │ calls of the cell
//!                            ├──→ host ──→ bus: perception ──→ tensors in a sealed memory file
//!                            │       └───→ bus: vision ──→ what the vision model says
//!                            └──→ feedback: output, variables, pictures, answer ──→ Observation
//! ```
//!
//! Happy path: a lease takes one of a fixed number of seats, the template forks a child in milliseconds, the child
//! raises its walls and says so, and a [`kernel`] actor serves `kernel.<id>` until it is released. A cell runs with a
//! deadline; an exception in it is an observation like any other.
//!
//! # When a kernel is lost
//!
//! | What happened | The asker of the running cell gets | After it |
//! |---|---|---|
//! | the cell reached its deadline and stopped at SIGINT | observation, error `TimeoutError` | variables stay, the lease goes on |
//! | it did not stop: SIGKILL after the grace | observation, error `TimeoutError`, `state_lost` | the kernel is gone |
//! | the interpreter died (memory, segfault, `os._exit`) | observation, error `KernelDied`, `state_lost` | the kernel is gone |
//! | its template died | fault `unavailable` | the kernel is gone |
//! | it broke its protocol: SIGKILL | observation, error `KernelDied`, `state_lost` | the kernel is gone |
//! | released, its session leased another, or the executor drains past its deadline | fault `cancelled` or `unavailable` | the kernel is gone |
//! | its owner's lease lapsed | fault `cancelled`, should anybody wait | the kernel is gone |
//! | the executor itself died | nothing: its lease key lapses | the kernel is gone |
//!
//! *Gone* means: subject `kernel.<id>` answers `unavailable`, the lease key is released, and whoever needs the session
//! leases a fresh kernel and replays its cells. The reply always leaves before the key is released.
//!
//! # Failures of the executor
//!
//! * The template dies: its children die with it (see the table), it is started again, at most a few times a minute;
//!   then the service reports failure.
//! * The machine grants fewer walls than `executor.min_walls`: the service does not start and says which is missing.
//! * Everything a kernel sends is hostile: frames, pictures, texts and counts are bounded, and a violation ends the
//!   kernel.

mod blob;
mod config;
mod feedback;
mod find;
mod host;
mod kernel;
mod picture;
mod pipe;
mod pool;
mod process;
mod scratch;
mod supervise;
mod template;
mod workspace;

use std::{ffi::OsString, process::ExitCode};

use serde::{Deserialize, Serialize};
use spatialclaw_bus::{self as bus, Bus};
use spatialclaw_runtime::{Context, process as process_config, service};

pub use config::{Config, KernelLimits};
pub use supervise::{Service, spawn};

/// Everything the service's process reads.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    process: process_config::Config,
    bus: bus::Config,
    executor: Config,
}

impl service::ProcessConfig for Settings {
    fn process(&self) -> &process_config::Config {
        &self.process
    }
}

/// The service's process, from its arguments to its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    service::main("executor", args, |cx: Context<Settings>| async move {
        let bus = Bus::connect(&cx.config.bus, "executor").await?;
        cx.readiness.set("bus", true, "connected");
        spawn(bus, cx.config.executor, cx.readiness.clone()).await
    })
}
