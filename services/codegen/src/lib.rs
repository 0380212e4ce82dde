//! Owns a question from plan to answer.
//!
//! ```text
//!  queue solve ──→ job ──→ shell (an actor per session) ⇄ session (pure)
//!                            │ asks: model, executor.lease, kernel.<id>
//!                            └ journal: append, follow
//!  bus: vision ──→ vision ──→ model
//! ```
//!
//! * [`transcript`]: a session's memory, the fold of its journal;
//! * [`session`]: state and input to next state and effects, without I/O;
//! * [`prompt`], [`feedback`], [`parse`], [`answer`], [`verdict`]: what the model reads, what it wrote, whether that
//!   ends it;
//! * `shell`: the actor that performs a session's effects; `job`: one delivery; `supervise`: what keeps both alive;
//! * `vision`: the questions that cells ask the vision model.
//!
//! Happy path: a job names a session whose journal holds the question and its plan. The first cell is asked for while
//! a kernel is leased; every reply is journaled, run, its observation journaled, until one returns an answer that fits
//! the question. Any other instance can take over after any entry.

#[cfg(test)]
mod fixture;

pub mod answer;
mod config;
pub mod feedback;
mod job;
mod journal;
pub mod parse;
pub mod prompt;
pub mod session;
mod shell;
mod supervise;
pub mod transcript;
pub mod verdict;
mod vision;

use std::{ffi::OsString, process::ExitCode};

use serde::{Deserialize, Serialize};
use spatialclaw_bus::{self as bus, Bus};
use spatialclaw_models::backbone;
use spatialclaw_runtime::{Context, process, service};

pub use config::Config;
pub use supervise::{Service, spawn};

/// Everything the service's process reads.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    process: process::Config,
    bus: bus::Config,
    backbone: backbone::Config,
    codegen: Config,
}

impl service::ProcessConfig for Settings {
    fn process(&self) -> &process::Config {
        &self.process
    }
}

/// The service's process, from its arguments to its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    service::main("codegen", args, |cx: Context<Settings>| async move {
        let bus = Bus::connect(&cx.config.bus, "codegen").await?;
        cx.readiness.set("bus", true, "connected");
        let model = backbone::connect(&cx.config.backbone, bus.artifacts().clone())?;
        cx.readiness.set("backbone", true, model.name().to_owned());
        spawn(bus, model, cx.config.codegen).await
    })
}
