//! The configuration section every process has.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// Section `process`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Log filter, e.g. `info` or `warn,spatialclaw_codegen=debug`. `RUST_LOG` wins over it.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Where spans go: an OTLP/gRPC endpoint such as `http://collector:4317`. Absent: nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<String>,
    /// Share of questions whose trace is kept, 0 to 1.
    pub trace_ratio: f64,
    /// Where `/livez` and `/readyz` listen. Absent: nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_listen: Option<SocketAddr>,
    /// A JSON file written once the process is ready, with every address it listens on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_file: Option<PathBuf>,
    /// How long work in flight may go on after SIGTERM.
    #[serde(with = "humantime_serde")]
    pub drain_deadline: Duration,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            otlp_endpoint: None,
            trace_ratio: 1.0,
            health_listen: None,
            ready_file: None,
            drain_deadline: Duration::from_secs(30),
        }
    }
}
