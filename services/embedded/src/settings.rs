//! The configuration of every service, in one value.

use serde::{Deserialize, Serialize};
use spatialclaw_bus as bus;
use spatialclaw_gateway as gateway;
use spatialclaw_ingest as ingest;
use spatialclaw_models::{backbone, pod};
use spatialclaw_runtime::{process, service::ProcessConfig};

/// Everything a process with all actors reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How the process lives.
    pub process: process::Config,
    /// What carries messages.
    pub bus: bus::Config,
    /// The front door; used by `serve`.
    pub gateway: gateway::Config,
    /// How much a question may ask for.
    pub ingest: ingest::Limits,
    /// Who plans.
    pub planner: spatialclaw_planner::Config,
    /// Who owns a question.
    pub codegen: spatialclaw_codegen::Config,
    /// Who runs cells.
    pub executor: spatialclaw_executor::Config,
    /// Who routes and caches perception.
    pub perception: spatialclaw_perception::Config,
    /// Further perception pods, besides the ones in this process.
    pub pods: pod::Config,
    /// The language model.
    pub backbone: backbone::Config,
    /// The perception pods in this process.
    pub inference: spatialclaw_inference::Config,
}

impl Default for Settings {
    fn default() -> Self {
        // A person at a terminal wants answers, not a service's log.
        let process = process::Config { log: "warn".to_owned(), ..process::Config::default() };
        Self {
            process,
            bus: bus::Config::default(),
            gateway: gateway::Config::default(),
            ingest: ingest::Limits::default(),
            planner: spatialclaw_planner::Config::default(),
            codegen: spatialclaw_codegen::Config::default(),
            executor: spatialclaw_executor::Config::default(),
            perception: spatialclaw_perception::Config::default(),
            pods: pod::Config::default(),
            backbone: backbone::Config::default(),
            inference: spatialclaw_inference::Config::default(),
        }
    }
}

impl ProcessConfig for Settings {
    fn process(&self) -> &process::Config {
        &self.process
    }
}
