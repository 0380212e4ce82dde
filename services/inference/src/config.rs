//! Section `inference`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// Section `inference`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What answers: `sensor` or `cpu`.
    pub engine: EngineKind,
    /// Where gRPC listens.
    pub listen: SocketAddr,
    /// Requests computed at once.
    pub concurrency: usize,
    /// Requests that may wait for a place; more are refused.
    pub queue: usize,
    /// Longest a request may take, waiting included, whatever its caller allows.
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
    /// Most views of one request.
    pub max_views: u32,
    /// Most pixels of one picture.
    pub max_pixels: u64,
    /// Engine `cpu`: folder of model files, as `services/inference/engine/fetch.py` fills it.
    pub models: PathBuf,
    /// Engine `cpu`: the Python that runs the engine child; it must have OpenCV.
    pub python: PathBuf,
    /// Engine `cpu`: threads of the child.
    pub threads: usize,
    /// Engine `cpu`: how long the child may take to say that it is ready.
    #[serde(with = "humantime_serde")]
    pub start_deadline: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            engine: EngineKind::default(),
            listen: SocketAddr::from(([127, 0, 0, 1], 50051)),
            concurrency: 2,
            queue: 64,
            deadline: Duration::from_secs(120),
            max_views: 64,
            max_pixels: 100_000_000,
            models: ".data/models".into(),
            python: ".venv/bin/python".into(),
            threads: 1,
            start_deadline: Duration::from_secs(60),
        }
    }
}

/// What answers in a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    /// What a capture device measured.
    #[default]
    Sensor,
    /// OpenCV on bare photographs.
    Cpu,
}
