//! How messages travel between actors, whatever carries them.
//!
//! ```text
//!            Bus  (typed: prost messages, domain events, faults)
//!             │   encodes to an Envelope: headers + bytes
//!      ┌──────┴───────┐
//!   NatsBus        LocalBus          both pass tests/tests/bus.rs
//!   NATS, JetStream  in process, SQLite
//! ```
//!
//! * **ask**: request and reply with a deadline; nobody serving is an answer at once.
//! * **work queue**: explicit acknowledgement, claims extended while the handler runs, bounded deliveries, then the
//!   dead-letter place.
//! * **journal**: append-only, one per session, every append names the entry it follows.
//! * **lease**: a key that lapses unless its holder renews it.
//! * **artifacts**: content-addressed bytes outside every message.
//!
//! The trace context travels in every envelope: what a handler does belongs to the asker's trace.

mod artifact;
mod carrier;
mod config;
mod envelope;
mod error;
mod facade;
mod handle;
mod serve;
mod work;

pub use artifact::ArtifactStore;
pub use config::Config;
pub use envelope::{Envelope, MAX_BODY};
pub use error::{AppendError, Error};
pub use facade::{Bus, DeadJob, Delivery, Done, Queue};
pub use handle::{Follow, Lease, Serving};
