//! `spatialclaw-codegen`: answers planned questions.

use std::process::ExitCode;

fn main() -> ExitCode {
    spatialclaw_codegen::main(std::env::args_os())
}
