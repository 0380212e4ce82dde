//! `spatialclaw-executor`: leases kernels and runs cells.

use std::process::ExitCode;

fn main() -> ExitCode {
    spatialclaw_executor::main(std::env::args_os())
}
