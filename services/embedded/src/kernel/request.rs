//! One line of the tool's input.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use super::bounds;

/// Longest name of a session, bytes.
const NAME: usize = 200;

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Request {
    /// Run a cell in a session, which begins with its first cell.
    Exec {
        session: String,
        cell: String,
        /// Seconds.
        timeout: Option<f64>,
        /// Copied into the session's scratch directory when its kernel starts; the directory's path in the cell.
        workspace: Option<PathBuf>,
    },
    /// End a session.
    Close { session: String },
}

impl Request {
    /// Reads a line; why it is none, for the one who wrote it.
    pub(super) fn parse(line: &[u8]) -> Result<Self, String> {
        let request: Self = serde_json::from_slice(line).map_err(|error| {
            format!(
                "no request: {error}; send {{\"op\":\"exec\",\"session\":S,\"cell\":TEXT,\"timeout\":SECONDS}} or \
                 {{\"op\":\"close\",\"session\":S}}"
            )
        })?;
        let (Self::Exec { session, .. } | Self::Close { session }) = &request;
        if session.is_empty() || session.len() > NAME {
            return Err(format!("a session's name has 1 to {NAME} bytes, this one {}", session.len()));
        }
        request.time()?;
        Ok(request)
    }

    /// How long the cell may run, if it says.
    pub(super) fn time(&self) -> Result<Option<Duration>, String> {
        let Self::Exec { timeout: Some(asked), .. } = self else { return Ok(None) };
        bounds::seconds(*asked)
            .map(Some)
            .ok_or_else(|| format!("a timeout is a positive number of seconds, {asked} is not"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_and_others_named() {
        let read = Request::parse(br#"{"op":"exec","session":"s","cell":"1","timeout":2}"#).unwrap();
        assert_eq!(read.time().unwrap(), Some(Duration::from_secs(2)));
        assert!(matches!(Request::parse(br#"{"op":"close","session":"s"}"#), Ok(Request::Close { .. })));
        for bad in [
            &b"{"[..],
            b"[]",
            br#"{"op":"dance","session":"s"}"#,
            br#"{"op":"exec","session":"","cell":"1"}"#,
            br#"{"op":"exec","session":"s","cell":"1","timeout":-1}"#,
            br#"{"op":"exec","session":"s","cell":"1","timeout":1e400}"#,
            br#"{"op":"exec","session":"s"}"#,
            b"\xff",
        ] {
            assert!(Request::parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
