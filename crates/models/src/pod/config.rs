//! Section `pods`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Section `pods`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long a pod may take for one call.
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
    /// How long connecting, and asking a pod what it can do, may take.
    #[serde(with = "humantime_serde")]
    pub connect_deadline: Duration,
    /// The pods, preferred ones first.
    pub endpoints: Vec<Endpoint>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(120),
            connect_deadline: Duration::from_secs(5),
            endpoints: Vec::new(),
        }
    }
}

/// One pod.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// e.g. `http://sensor:50051`.
    pub url: String,
    /// How long this pod may take for one call, if not `pods.deadline`.
    #[serde(default, with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
}

impl Endpoint {
    /// The pod at `url`, with the common deadline.
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), deadline: None }
    }
}
