//! `spatialclaw-perception`: the dispatcher between executors and pods.

use std::process::ExitCode;

fn main() -> ExitCode {
    spatialclaw_perception::main(std::env::args_os())
}
