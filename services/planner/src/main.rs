//! `spatialclaw-planner`: question in, plan out, once.

use std::process::ExitCode;

fn main() -> ExitCode {
    spatialclaw_planner::main(std::env::args_os())
}
