//! What scenarios stand on: real servers on free ports, real processes, a user of the HTTP interface.

pub mod client;
pub mod deployment;
pub mod examples;
pub mod kernels;
pub mod malformed;
pub mod nats;
pub mod otlp;
pub mod pictures;
pub mod pod;
