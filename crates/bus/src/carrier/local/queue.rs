//! Work queues: rows of SQLite, and a signal per queue.
//!
//! ```text
//!            ┌──────────── retry, drop, claim lapsed ───────────┐
//!            ↓                                                  │
//! enqueue → waiting (visible_at) ── claim (attempts + 1) ──→ claimed ── finish → gone
//!            ↑                                                  │
//!            └──────────── revive ──────── dead ←──── bury ─────┘
//! ```

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use prost::Message as _;
use rusqlite::params;
use tokio::sync::watch;

use super::{claim::Claims, store::Store};
use crate::{Config, DeadJob, Envelope, Error, Queue};

const COUNT: &str = "SELECT count(*) FROM job WHERE queue = ?1 AND reason IS NULL";
const KNOWN: &str = "SELECT 1 FROM job WHERE queue = ?1 AND id = ?2";
const INSERT: &str = "INSERT INTO job (queue, id, headers, body, visible_at) VALUES (?1, ?2, ?3, ?4, ?5)";
const DEAD: &str = "SELECT id, reason, attempts FROM job WHERE queue = ?1 AND reason IS NOT NULL
    ORDER BY visible_at, number LIMIT ?2";
const IS_DEAD: &str = "SELECT 1 FROM job WHERE queue = ?1 AND id = ?2 AND reason IS NOT NULL";
const REVIVE: &str = "UPDATE job SET reason = NULL, attempts = 0, claim = 0, visible_at = ?3
    WHERE queue = ?1 AND id = ?2 AND reason IS NOT NULL";

/// Headers as a row keeps them.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Headers {
    #[prost(btree_map = "string, string", tag = "1")]
    pub(super) headers: std::collections::BTreeMap<String, String>,
}

/// What waits or is claimed in one queue, and who wants to hear of it.
pub(super) struct Line {
    pub(super) queue: Queue,
    /// Counted rather than asked for: counting rows is slow in a long queue. Changed on the store's thread only.
    pub(super) alive: AtomicI64,
    pub(super) changed: watch::Sender<()>,
}

pub(super) struct Queues {
    store: Store,
    lines: Vec<Arc<Line>>,
    ack_wait: Duration,
    max_queued: i64,
    /// Numbers given to claims so far.
    claims: Arc<AtomicU64>,
}

impl Queues {
    pub(super) async fn open(store: Store, config: &Config) -> Result<Self, Error> {
        let mut lines = Vec::new();
        for queue in [Queue::Plan, Queue::Solve] {
            let alive = store
                .transact("count a queue", move |db| db.query_row(COUNT, [queue.name()], |row| row.get(0)))
                .await?;
            lines.push(Arc::new(Line { queue, alive: AtomicI64::new(alive), changed: watch::channel(()).0 }));
        }
        Ok(Self {
            store,
            lines,
            ack_wait: config.ack_wait,
            max_queued: i64::try_from(config.max_queued).unwrap_or(i64::MAX),
            claims: Arc::default(),
        })
    }

    fn line(&self, queue: Queue) -> Arc<Line> {
        Arc::clone(&self.lines[queue as usize])
    }

    pub(super) async fn enqueue(&self, queue: Queue, id: &str, job: Envelope) -> Result<(), Error> {
        let (line, id, max, now) = (self.line(queue), id.to_owned(), self.max_queued, self.store.now());
        let headers = Headers { headers: job.headers }.encode_to_vec();
        let entered = self.store.transact("put a job on its queue", move |db| {
            if db.prepare_cached(KNOWN)?.exists(params![queue.name(), id])? {
                return Ok(true);
            }
            if line.alive.load(Ordering::Relaxed) >= max {
                return Ok(false);
            }
            db.prepare_cached(INSERT)?.execute(params![queue.name(), id, headers, &job.body[..], now])?;
            line.alive.fetch_add(1, Ordering::Relaxed);
            line.changed.send_replace(());
            Ok(true)
        });
        if entered.await? { Ok(()) } else { Err(Error::QueueFull(queue.name())) }
    }

    pub(super) fn work(&self, queue: Queue) -> Claims {
        let line = self.line(queue);
        Claims::new(self.store.clone(), line, self.ack_wait, Arc::clone(&self.claims))
    }

    pub(super) async fn dead(&self, queue: Queue, limit: usize) -> Result<Vec<DeadJob>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let listed = self.store.transact("list dead jobs", move |db| {
            db.prepare_cached(DEAD)?
                .query_map(params![queue.name(), limit], |row| {
                    Ok(DeadJob { id: row.get(0)?, reason: row.get(1)?, attempts: row.get(2)? })
                })?
                .collect()
        });
        listed.await
    }

    pub(super) async fn is_dead(&self, queue: Queue, id: &str) -> Result<bool, Error> {
        let id = id.to_owned();
        let step = "look for a dead job";
        self.store
            .transact(step, move |db| db.prepare_cached(IS_DEAD)?.exists(params![queue.name(), id]))
            .await
    }

    pub(super) async fn revive(&self, queue: Queue, id: &str) -> Result<bool, Error> {
        let (line, id, now) = (self.line(queue), id.to_owned(), self.store.now());
        let revived = self.store.transact("revive a dead job", move |db| {
            let rows = db.execute(REVIVE, params![queue.name(), id, now])?;
            line.alive.fetch_add(i64::try_from(rows).unwrap_or(0), Ordering::Relaxed);
            line.changed.send_replace(());
            Ok(rows > 0)
        });
        revived.await
    }
}
