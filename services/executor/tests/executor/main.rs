//! The executor with a real template and a bus in memory.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests to us, if not to the lint")]

mod cells;
mod common;
mod lives;
mod vision;
