//! What every pod must hold, over real gRPC, and what each engine answers.
//!
//! The `cpu` engine's tests need `.venv`, `.data/models` and, for stereo, the Middlebury motorcycle pair, all of which
//! `cargo xtask setup` fetches. Where they are missing a test says so and passes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "pod/client.rs"]
mod client;
#[path = "pod/cpu.rs"]
mod cpu;
#[path = "pod/sensor.rs"]
mod sensor;
