//! Question in, plan out, once.
//!
//! ```text
//!  queue plan ──→ read the journal ──ended──────────→ finished
//!                        │  └──────────planned──────→ queue solve ──→ finished
//!                        └─submitted─→ ask the model ──→ append planned (fenced) ──↗
//! ```
//!
//! The planner is blind: it sees the question and what the input is, never the pictures. Redelivery is harmless: a
//! question whose journal holds a plan is only sent on, under its session id, which the queue knows once.
//!
//! Failures:
//! * the model does not answer, after its retries: the question goes on without a plan;
//! * the model refuses for good: `failed`;
//! * the bus fails: the job is delivered again; after its last delivery the bus ends the question with `failed`;
//! * the question was cancelled or somebody else planned it meanwhile: the append is refused, the journal read again.

mod config;
mod plan;
mod prompt;
mod supervise;

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
    planner: Config,
}

impl service::ProcessConfig for Settings {
    fn process(&self) -> &process::Config {
        &self.process
    }
}

/// The service's process, from its arguments to its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    service::main("planner", args, |cx: Context<Settings>| async move {
        let bus = Bus::connect(&cx.config.bus, "planner").await?;
        cx.readiness.set("bus", true, "connected");
        let model = backbone::connect(&cx.config.backbone, bus.artifacts().clone())?;
        cx.readiness.set("backbone", true, model.name().to_owned());
        spawn(bus, model, cx.config.planner).await
    })
}
