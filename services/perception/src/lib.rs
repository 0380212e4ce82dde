//! The perception dispatcher: between executors and pods.
//!
//! ```text
//! ask ─► request ─► route ─► key ─► cache ─hit────────────────────────► reply
//!        checked    by what          │miss
//!                   the frames       └► flight (identical asks join)
//!                   carry                 └► fetch ─► pod ─► world, grid ─► artifact ─► reply
//! ```
//!
//! * **route**: frames with measured depth or instances go to a pod that
//!   serves measurements, everything else to the first configured pod able to
//!   do it. If none can, the fault says which would.
//! * **cache and flights** go by content: the pod's model revision, every
//!   option, and the digests of everything that is sent. The cache holds
//!   references only; it lives in memory and, if `perception.index` names a
//!   file, survives the process.
//! * **world**: every reconstruction is brought into one frame and onto the grid
//!   the cell works in.
//! * A pod that is gone is asked again a few times, then the fault names it.
//!
//! What is returned is laid out in `docs/reference/tensors.md`.

mod cache;
mod config;
mod dispatch;
mod fetch;
mod flight;
mod grid;
mod ground;
mod key;
mod reconstruct;
mod request;
mod rigid;
mod route;
mod segment;
mod supervise;
mod tensors;
mod world;

use std::{ffi::OsString, process::ExitCode};

use serde::{Deserialize, Serialize};
use spatialclaw_bus::{self as bus, Bus};
use spatialclaw_models::pod::{self, Pods};
use spatialclaw_runtime::{Context, process, service};

pub use config::Config;
pub use supervise::{SUBJECT, Service, spawn};

/// Everything the service's process reads.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    process: process::Config,
    bus: bus::Config,
    perception: Config,
    pods: pod::Config,
}

impl service::ProcessConfig for Settings {
    fn process(&self) -> &process::Config {
        &self.process
    }
}

/// The service's process, from its arguments to its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    service::main("perception", args, |cx: Context<Settings>| async move {
        let bus = Bus::connect(&cx.config.bus, "perception").await?;
        cx.readiness.set("bus", true, "connected");
        let pods = Pods::connect(&cx.config.pods)?;
        spawn(bus, pods, cx.config.perception.clone()).await
    })
}
