//! `spatialclaw`: ask, run, serve.

use std::process::ExitCode;

fn main() -> ExitCode {
    spatialclaw_embedded::main(std::env::args_os())
}
