//! The shape of the template's control protocol, version 1: JSON objects with one key, the message's name.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

/// The version spoken here.
pub(super) const VERSION: u32 = 1;
/// Longest frame, bytes.
pub(super) const FRAME_LIMIT: usize = 65536;

/// What an executor asks.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToTemplate {
    /// Carries the child's end of a socket pair.
    Fork {
        id: u64,
        session: String,
        scratch: PathBuf,
        limits: Limits,
        /// A directory whose files the child gets a copy of.
        #[serde(skip_serializing_if = "Option::is_none")]
        workspace: Option<PathBuf>,
    },
}

/// Bounds of one child.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Limits {
    pub(crate) memory_bytes: u64,
    pub(crate) cpu_seconds: u64,
    pub(crate) file_bytes: u64,
    pub(crate) scratch_bytes: u64,
    pub(crate) open_files: u64,
    pub(crate) threads: u64,
    pub(crate) output_chars: u64,
}

/// What a template says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FromTemplate {
    Ready(Ready),
    /// Carries a pidfd.
    Forked {
        id: u64,
        pid: u32,
    },
    Refused {
        id: u64,
        reason: String,
    },
    Exited {
        pid: u32,
        status: Option<i32>,
        signal: Option<i32>,
    },
}

/// Said once, first.
#[derive(Debug, Deserialize)]
pub(crate) struct Ready {
    pub(super) protocol: u32,
    pub(super) pid: u32,
    pub(super) python: String,
    /// What a child will have, joined by `+`.
    pub(super) walls: String,
    pub(super) seconds: f64,
    #[serde(default)]
    pub(super) packages: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_documented_shape() {
        let ready = r#"{"ready": {"protocol": 1, "pid": 7, "python": "3.11.7", "walls": "rlimits+seccomp", "seconds": 2.3, "packages": {"numpy": "2"}}}"#;
        assert!(matches!(
            serde_json::from_str(ready),
            Ok(FromTemplate::Ready(Ready { protocol: 1, pid: 7, .. }))
        ));
        let exited = r#"{"exited": {"pid": 456, "signal": 9}}"#;
        assert!(matches!(
            serde_json::from_str(exited),
            Ok(FromTemplate::Exited { pid: 456, status: None, signal: Some(9) })
        ));
        let limits = Limits {
            memory_bytes: 1,
            cpu_seconds: 2,
            file_bytes: 3,
            scratch_bytes: 4,
            open_files: 5,
            threads: 6,
            output_chars: 7,
        };
        let fork = ToTemplate::Fork {
            id: 1,
            session: "s".to_owned(),
            scratch: "/x".into(),
            limits,
            workspace: None,
        };
        let text = serde_json::to_string(&fork).unwrap();
        assert!(
            text.starts_with(r#"{"fork":{"id":1,"session":"s","scratch":"/x","limits":{"memory_bytes":1"#),
            "{text}"
        );
    }
}
