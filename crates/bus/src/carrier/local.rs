//! Carries everything inside one process.
//!
//! Asks and leases live in memory and die with the process, as their handlers and holders do. Queues and journals lie
//! in SQLite (WAL): what `enqueue` and `append` returned is there again after `kill -9`; a power cut may cost the last
//! moments, never the order. One process at a time may open a store, so at open every claim is a dead process's and is
//! void: its job is delivered again at once.

mod ask;
mod claim;
mod journal;
mod lease;
mod queue;
mod store;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use spatialclaw_domain::{Fault, SessionId};

use self::{ask::Asks, journal::Journals, lease::Leases, queue::Queues, store::Store};
use super::{Carrier, Entries, Held, Jobs, Requests};
use crate::{AppendError, Config, DeadJob, Envelope, Error, Queue};

pub(crate) struct Local {
    asks: Asks,
    leases: Leases,
    queues: Queues,
    journals: Journals,
}

impl Local {
    pub(crate) async fn open(config: &Config) -> Result<Self, Error> {
        let store = Store::open(config.path.as_deref()).await?;
        Ok(Self {
            asks: Asks::default(),
            leases: Leases::default(),
            queues: Queues::open(store.clone(), config).await?,
            journals: Journals::open(store, config.journal_age).await?,
        })
    }
}

#[async_trait]
impl Carrier for Local {
    async fn ask(&self, subject: &str, request: Envelope, deadline: Duration) -> Result<Envelope, Fault> {
        self.asks.ask(subject, request, deadline).await
    }

    async fn serve(&self, subject: &str) -> Result<Box<dyn Requests>, Error> {
        Ok(Box::new(self.asks.serve(subject)))
    }

    async fn enqueue(&self, queue: Queue, id: &str, job: Envelope) -> Result<(), Error> {
        self.queues.enqueue(queue, id, job).await
    }

    async fn work(&self, queue: Queue) -> Result<Box<dyn Jobs>, Error> {
        Ok(Box::new(self.queues.work(queue)))
    }

    async fn dead(&self, queue: Queue, limit: usize) -> Result<Vec<DeadJob>, Error> {
        self.queues.dead(queue, limit).await
    }

    async fn is_dead(&self, queue: Queue, id: &str) -> Result<bool, Error> {
        self.queues.is_dead(queue, id).await
    }

    async fn revive(&self, queue: Queue, id: &str) -> Result<bool, Error> {
        self.queues.revive(queue, id).await
    }

    async fn append(&self, session: SessionId, entry: Bytes, after: u64) -> Result<u64, AppendError> {
        self.journals.append(session, entry, after).await
    }

    async fn read(&self, session: SessionId, after: u64) -> Result<Vec<(u64, Bytes)>, Error> {
        self.journals.read(session, after).await
    }

    async fn follow(&self, session: SessionId, after: u64) -> Result<Box<dyn Entries>, Error> {
        Ok(Box::new(self.journals.follow(session, after)))
    }

    async fn hold(&self, key: &str, _ttl: Duration) -> Result<Box<dyn Held>, Error> {
        Ok(Box::new(self.leases.hold(key)?))
    }

    async fn lapsed(&self, key: &str) -> Result<(), Error> {
        self.leases.lapsed(key).await;
        Ok(())
    }
}
