//! Claims on jobs: made, extended, settled, given back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use prost::Message as _;
use rusqlite::{OptionalExtension as _, Transaction, params};
use tokio::sync::watch;

use super::{
    queue::{Headers, Line},
    store::{Store, WeakStore, millis},
};
use crate::{
    Envelope, Error,
    carrier::{Claim, Job, Jobs, MAX_DEAD},
};

const FIRST: &str = "SELECT number, visible_at, attempts, headers, body FROM job
    WHERE queue = ?1 AND reason IS NULL ORDER BY visible_at, number LIMIT 1";
const CLAIM: &str = "UPDATE job SET claim = ?2, attempts = attempts + 1, visible_at = ?3 WHERE number = ?1";
const EXTEND: &str = "UPDATE job SET visible_at = ?2 WHERE claim = ?1 AND claim != 0";
const FINISH: &str = "DELETE FROM job WHERE claim = ?1 AND claim != 0";
const RETRY: &str = "UPDATE job SET claim = 0, visible_at = ?2 WHERE claim = ?1 AND claim != 0";
const BURY: &str = "UPDATE job SET claim = 0, visible_at = ?2, reason = ?3 WHERE claim = ?1 AND claim != 0";
const FORGET: &str = "DELETE FROM job WHERE number IN (SELECT number FROM job
    WHERE queue = ?1 AND reason IS NOT NULL ORDER BY visible_at DESC, number DESC LIMIT -1 OFFSET ?2)";

/// Claims jobs for one worker.
pub(super) struct Claims {
    store: Store,
    line: Arc<Line>,
    changed: watch::Receiver<()>,
    ack_wait: Duration,
    claims: Arc<AtomicU64>,
}

impl Claims {
    pub(super) fn new(store: Store, line: Arc<Line>, ack_wait: Duration, claims: Arc<AtomicU64>) -> Self {
        let changed = line.changed.subscribe();
        Self { store, line, changed, ack_wait, claims }
    }

    async fn claim(&self) -> Result<Claimed, Error> {
        let claim = LocalClaim {
            store: self.store.clone(),
            line: Arc::clone(&self.line),
            ack_wait: self.ack_wait,
            // 0 means unclaimed.
            number: self.claims.fetch_add(1, Ordering::Relaxed) + 1,
            open: AtomicBool::new(true),
        };
        let (queue, number, now) = (self.line.queue, claim.number, self.store.now());
        let until = now.saturating_add(millis(self.ack_wait));
        let row =
            self.store.transact("claim a job", move |db| claim_first(db, queue.name(), number, now, until));
        match row.await? {
            First::Claimed(envelope, attempt) => {
                Ok(Claimed::Job(Job { envelope, attempt, ack_wait: self.ack_wait, claim: Box::new(claim) }))
            }
            First::Later(at) => {
                claim.open.store(false, Ordering::Relaxed);
                Ok(Claimed::Nothing { next: at.map(|at| Duration::from_millis(at.abs_diff(now))) })
            }
        }
    }
}

enum Claimed {
    Job(Job),
    /// The next one can be claimed after `next`, if there is one.
    Nothing {
        next: Option<Duration>,
    },
}

enum First {
    Claimed(Envelope, u32),
    /// Unix ms.
    Later(Option<i64>),
}

fn claim_first(
    db: &Transaction<'_>,
    queue: &str,
    claim: u64,
    now: i64,
    until: i64,
) -> Result<First, rusqlite::Error> {
    let row = db.prepare_cached(FIRST)?.query_row([queue], |row| {
        let (number, at, attempts): (i64, i64, u32) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((number, at, attempts, row.get::<_, Vec<u8>>(3)?, row.get::<_, Vec<u8>>(4)?))
    });
    let Some((number, at, attempts, headers, body)) = row.optional()? else { return Ok(First::Later(None)) };
    if at > now {
        return Ok(First::Later(Some(at)));
    }
    db.prepare_cached(CLAIM)?.execute(params![number, claim, until])?;
    let headers = Headers::decode(&headers[..]).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Blob, Box::new(error))
    })?;
    Ok(First::Claimed(Envelope { headers: headers.headers, body: Bytes::from(body) }, attempts + 1))
}

#[async_trait]
impl Jobs for Claims {
    async fn next(&mut self) -> Result<Job, Error> {
        loop {
            // Seen before claiming: whatever changes after the claim wakes us.
            self.changed.mark_unchanged();
            let wait = match self.claim().await? {
                Claimed::Job(job) => return Ok(job),
                Claimed::Nothing { next } => next,
            };
            tokio::select! {
                _ = self.changed.changed() => {}
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            }
        }
    }
}

struct LocalClaim {
    store: Store,
    line: Arc<Line>,
    ack_wait: Duration,
    number: u64,
    /// Whether it is still to be settled.
    open: AtomicBool,
}

impl LocalClaim {
    /// `sql` takes the claim's number first; whether it was in force.
    async fn change(&self, step: &'static str, sql: &'static str, at: i64) -> Result<(), Error> {
        let (number, line) = (self.number, Arc::clone(&self.line));
        let change = self.store.transact(step, move |db| {
            let rows = db.prepare_cached(sql)?.execute(params![number, at])?;
            line.changed.send_replace(());
            Ok(rows > 0)
        });
        self.report(step, change.await?);
        Ok(())
    }

    /// A claim that lapsed belongs to somebody else by now.
    fn report(&self, step: &'static str, in_force: bool) {
        if !in_force {
            tracing::warn!(queue = self.line.queue.name(), step, "the claim had lapsed");
        }
    }
}

#[async_trait]
impl Claim for LocalClaim {
    async fn extend(&self) -> Result<(), Error> {
        let (number, until) = (self.number, self.store.now().saturating_add(millis(self.ack_wait)));
        let step = "extend a claim";
        let extend = self
            .store
            .transact(step, move |db| Ok(db.prepare_cached(EXTEND)?.execute(params![number, until])? > 0));
        self.report(step, extend.await?);
        Ok(())
    }

    async fn finish(&self) -> Result<(), Error> {
        let (number, line) = (self.number, Arc::clone(&self.line));
        self.open.store(false, Ordering::Relaxed);
        let step = "finish a job";
        let finish = self.store.transact(step, move |db| {
            let rows = db.prepare_cached(FINISH)?.execute([number])?;
            line.alive.fetch_sub(i64::try_from(rows).unwrap_or(0), Ordering::Relaxed);
            Ok(rows > 0)
        });
        self.report(step, finish.await?);
        Ok(())
    }

    async fn retry(&self, wait: Duration) -> Result<(), Error> {
        self.open.store(false, Ordering::Relaxed);
        self.change("give a job back", RETRY, self.store.now().saturating_add(millis(wait))).await
    }

    async fn bury(&self, reason: &str) -> Result<(), Error> {
        let (number, line, now) = (self.number, Arc::clone(&self.line), self.store.now());
        let reason = reason.to_owned();
        self.open.store(false, Ordering::Relaxed);
        let step = "bury a job";
        let bury = self.store.transact(step, move |db| {
            let rows = db.prepare_cached(BURY)?.execute(params![number, now, reason])?;
            db.prepare_cached(FORGET)?.execute(params![line.queue.name(), MAX_DEAD])?;
            line.alive.fetch_sub(i64::try_from(rows).unwrap_or(0), Ordering::Relaxed);
            Ok(rows > 0)
        });
        self.report(step, bury.await?);
        Ok(())
    }
}

impl Drop for LocalClaim {
    /// Gives an unsettled job back at once. Steps are carried out in order, so this also undoes a claim whose
    /// future was dropped half-way.
    fn drop(&mut self) {
        if *self.open.get_mut() {
            give_back(&self.store.weak(), Arc::clone(&self.line), self.number, self.store.now());
        }
    }
}

fn give_back(store: &WeakStore, line: Arc<Line>, number: u64, now: i64) {
    let posted = store.post(move |db| match db.execute(RETRY, params![number, now]) {
        Ok(_) => line.changed.send_replace(()),
        Err(error) => tracing::warn!(%error, "an abandoned job waits for its claim to lapse"),
    });
    if !posted {
        tracing::warn!("the store is busy: an abandoned job waits for its claim to lapse");
    }
}
