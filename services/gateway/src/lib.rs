//! The front door: submit a question, follow it, read its result, cancel it.
//!
//! [`Gateway`] is the door itself: four verbs over the bus, used by the HTTP
//! interface and by the command line alike. [`spawn`] puts [`http`] in front
//! of it under a supervisor.
//!
//! Happy path: the question is written to its journal (`submitted`, fenced to
//! be the first entry), then queued for planning under its session id. Both
//! steps are idempotent, so a caller that saw neither answer nor error may
//! submit the same session again: it is asked once.

mod api;
mod config;
mod door;
mod http;
mod result;
mod supervise;

use std::{ffi::OsString, process::ExitCode};

use serde::{Deserialize, Serialize};
use spatialclaw_bus::{self as bus, Bus};
use spatialclaw_ingest as ingest;
use spatialclaw_runtime::{Context, process, service};

pub use config::Config;
pub use door::{Error, Gateway};
pub use http::openapi_text;
pub use result::{Cost, QuestionResult, Status};
pub use supervise::{Service, spawn};

/// Everything the service's process reads.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    process: process::Config,
    bus: bus::Config,
    gateway: Config,
    ingest: ingest::Limits,
}

impl service::ProcessConfig for Settings {
    fn process(&self) -> &process::Config {
        &self.process
    }
}

/// The service's process, from its arguments to its exit code.
///
/// `--print-openapi` prints the document of the HTTP interface and leaves.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if args.iter().any(|arg| arg == "--print-openapi") {
        print!("{}", openapi_text());
        return ExitCode::SUCCESS;
    }
    service::main("gateway", args, |cx: Context<Settings>| async move {
        let bus = Bus::connect(&cx.config.bus, "gateway").await?;
        cx.readiness.set("bus", true, "connected");
        let (config, limits) = (cx.config.gateway.clone(), cx.config.ingest.clone());
        let service = spawn(Gateway::new(bus), config, limits, cx.readiness.clone()).await?;
        cx.listens("http", service.address());
        Ok(service)
    })
}
