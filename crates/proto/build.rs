//! Generates the wire types with a pure-Rust protobuf compiler, so no `protoc` is needed.
use std::path::Path;

const FILES: [&str; 4] = [
    "spatialclaw/session/v1/session.proto",
    "spatialclaw/kernel/v1/kernel.proto",
    "spatialclaw/perception/v1/perception.proto",
    "spatialclaw/inference/v1/inference.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let descriptors = protox::compile(FILES, [&root])?;
    tonic_prost_build::configure().bytes(".").compile_fds(descriptors)?;
    Ok(())
}
