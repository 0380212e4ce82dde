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
//!
//! # What is promised
//!
//! | | in process | NATS |
//! |---|---|---|
//! | ask | at most once; the server going away is an answer at once | at most once; a server that drains or abandons answers, one killed with `kill -9` leaves the asker to its deadline; NATS away is an answer at once |
//! | job | at least once; kept by SQLite in WAL mode, so `kill -9` loses nothing and a power cut at most the last moments | at least once; kept by the server in files, with `bus.replicas` copies |
//! | a worker dies | its jobs are delivered again when the store is opened again, at once | its jobs are delivered again after `bus.ack_wait` |
//! | known ids | while queued, claimed or dead | also for two minutes after the job was first queued |
//! | a job is buried | the session of its id, if open, has `failed` by then | the same |
//! | journal | one writer wins; numbers 1, 2, 3 … | one writer wins; numbers rise with gaps |
//! | lease | lapses when dropped | lapses when released or, unrenewed, within about its ttl |
//! | two processes | refused: the store belongs to one | the point of it; streams, buckets and consumers that stand are kept as they are, and a client whose configuration differs says so |
//!
//! A job may be done twice (a worker that did it and died before it could say so): handlers make that harmless with
//! the journal's fence.
//!
//! # Bounds
//!
//! | what | bound | beyond it |
//! |---|---|---|
//! | message body | [`MAX_BODY`], 900 KiB | refused, naming the artifact store |
//! | requests at once | `limit` of [`Bus::serve`] | `exhausted` with `retry_after` |
//! | jobs at once | `limit` of [`Bus::work`] | they wait on the queue |
//! | jobs of a queue | `bus.max_queued` | [`Error::QueueFull`] |
//! | deliveries of a job | `bus.max_deliveries`; one whose worker went away counts | its session fails, the job goes to the dead-letter place |
//! | dead jobs of a queue | 100,000 | the oldest make room |
//! | a journal's age | `bus.journal_age` since its last entry; over NATS that of every single entry | it is removed |
//! | a lease's ttl | 10 minutes | refused |
//! | claims that fail in a row | 10, within half a minute (over NATS each is tried for a minute) | the worker ends once what runs is settled |
//! | steps waiting for SQLite, publishes waiting for NATS | 1024 | callers wait their turn |
//! | an answer of JetStream | 5 s, appends and enqueues ask twice | [`Error::Carrier`] |

mod artifact;
mod carrier;
mod close;
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
