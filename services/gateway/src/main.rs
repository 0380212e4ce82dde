//! `spatialclaw-gateway`: HTTP in front of the bus.

use std::process::ExitCode;

fn main() -> ExitCode {
    spatialclaw_gateway::main(std::env::args_os())
}
