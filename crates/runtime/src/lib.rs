//! How a process lives: configuration, telemetry, readiness, shutdown.
//!
//! A service's `main` is [`service::main`] and the one call that starts its
//! actors. The order is always the same: read the configuration, install
//! telemetry, start the actors, say where we listen, wait for a signal or a
//! failure, drain with a deadline, flush telemetry.

pub mod config;
pub mod health;
pub mod process;
pub mod service;
pub mod shutdown;
pub mod supervise;
pub mod telemetry;

pub use health::Readiness;
pub use service::{Context, Service};
pub use shutdown::Shutdown;
