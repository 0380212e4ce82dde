//! The executor with a real template and a bus in memory.

mod cells;
mod common;
mod lives;
