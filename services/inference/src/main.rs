//! `spatialclaw-inference`: a perception pod.

use std::process::ExitCode;

fn main() -> ExitCode {
    spatialclaw_inference::main(std::env::args_os())
}
