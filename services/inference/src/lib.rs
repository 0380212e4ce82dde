//! A perception pod: `spatialclaw.inference.v1` in front, an [`Engine`] behind.
//!
//! ```text
//! gRPC ─► server ─► parse ─► admission ─► Engine ─┬─ sensor: what came with the picture (pure Rust)
//!         spans     limits   permits,             └─ cpu: OpenCV in a supervised child process
//!                            small queue
//! ```
//!
//! * A request is checked whole before it costs anything: shapes, sizes, poses.
//! * At most `concurrency` requests run and `queue` wait; one more is refused
//!   with RESOURCE_EXHAUSTED. A caller that leaves or runs out of time gives
//!   its place up.
//! * What an engine cannot do is FAILED_PRECONDITION, in words that name what
//!   can; an engine that is starting again is UNAVAILABLE.

mod admission;
mod config;
mod cpu;
mod engine;
mod parse;
mod reply;
mod sensor;
mod server;
mod supervise;
mod trace;

use std::{ffi::OsString, process::ExitCode};

use serde::{Deserialize, Serialize};
use spatialclaw_runtime::{Context, process, service};

pub use config::{Config, EngineKind};
pub use engine::{
    About, Concept, ConceptAsk, DepthAsk, Engine, Instance, InteractiveAsk, Mask, Measured, Pick, Point,
    Rect, Refusal, Scene, Stereo, View, ViewDepth,
};
pub use supervise::{Service, spawn};

/// Everything the pod's process reads.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    process: process::Config,
    inference: Config,
}

impl service::ProcessConfig for Settings {
    fn process(&self) -> &process::Config {
        &self.process
    }
}

/// The pod's process, from its arguments to its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    service::main("inference", args, |cx: Context<Settings>| async move {
        let service = spawn(cx.config.inference.clone(), cx.readiness.clone()).await?;
        cx.listens("grpc", service.address());
        Ok(service)
    })
}
