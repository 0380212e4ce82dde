//! Journals: rows of SQLite, and a signal per followed session.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::params;
use spatialclaw_domain::SessionId;
use tokio::sync::watch;

use super::store::{Store, millis};
use crate::{AppendError, Error, carrier::Entries};

/// Entries a follower reads at once.
const PAGE: i64 = 64;
/// Appends between two looks for journals that are too old.
const PURGE_EVERY: u64 = 4096;

/// Whole journals, by their newest entry: one without its beginning tells nothing.
const PURGE: &str = "DELETE FROM entry WHERE session IN (
    SELECT session FROM (SELECT DISTINCT session FROM entry WHERE at < ?1) AS old WHERE ?1 >
        (SELECT at FROM entry WHERE session = old.session ORDER BY seq DESC LIMIT 1))";

type Followed = Arc<Mutex<HashMap<SessionId, watch::Sender<()>>>>;

pub(super) struct Journals {
    store: Store,
    followed: Followed,
    age: Duration,
    appends: std::sync::atomic::AtomicU64,
}

impl Journals {
    pub(super) async fn open(store: Store, age: Duration) -> Result<Self, Error> {
        let journals = Self { store, followed: Followed::default(), age, appends: 0.into() };
        journals.purge().await?;
        Ok(journals)
    }

    /// Removes the journals whose newest entry is older than the configured age.
    async fn purge(&self) -> Result<(), Error> {
        let before = self.store.now().saturating_sub(millis(self.age));
        self.store.transact("remove old journals", move |db| db.execute(PURGE, [before])).await.map(drop)
    }

    pub(super) async fn append(
        &self,
        session: SessionId,
        entry: Bytes,
        after: u64,
    ) -> Result<u64, AppendError> {
        let (key, now) = (session.to_string(), self.store.now());
        let written = self.store.transact("append to the journal", move |db| {
            let last: Option<u64> =
                db.query_row("SELECT max(seq) FROM entry WHERE session = ?1", [&key], |row| row.get(0))?;
            if last.unwrap_or(0) != after {
                return Ok(Err(last.unwrap_or(0)));
            }
            db.prepare_cached("INSERT INTO entry (session, seq, at, bytes) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![key, after + 1, now, &entry[..]])?;
            Ok(Ok(after + 1))
        });
        let seq = written.await?.map_err(|last| AppendError::Conflict { last: Some(last) })?;
        if let Some(signal) = self.followed.lock().unwrap_or_else(PoisonError::into_inner).get(&session) {
            signal.send_replace(());
        }
        if self.appends.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % PURGE_EVERY == PURGE_EVERY - 1 {
            self.purge().await?;
        }
        Ok(seq)
    }

    pub(super) async fn read(&self, session: SessionId, after: u64) -> Result<Vec<(u64, Bytes)>, Error> {
        read(&self.store, session, after, -1).await
    }

    pub(super) fn follow(&self, session: SessionId, after: u64) -> Follower {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let signal = followed.entry(session).or_insert_with(|| watch::channel(()).0).subscribe();
        Follower {
            store: self.store.clone(),
            followed: Arc::clone(&self.followed),
            session,
            after,
            page: VecDeque::new(),
            signal: Some(signal),
        }
    }
}

/// At most `limit` entries, -1 for all.
async fn read(store: &Store, session: SessionId, after: u64, limit: i64) -> Result<Vec<(u64, Bytes)>, Error> {
    store
        .transact("read the journal", move |db| {
            db.prepare_cached(
                "SELECT seq, bytes FROM entry WHERE session = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
            )?
            .query_map(params![session.to_string(), after, limit], |row| {
                Ok((row.get(0)?, Bytes::from(row.get::<_, Vec<u8>>(1)?)))
            })?
            .collect()
        })
        .await
}

pub(super) struct Follower {
    store: Store,
    followed: Followed,
    session: SessionId,
    after: u64,
    page: VecDeque<(u64, Bytes)>,
    /// `None` only while dropping.
    signal: Option<watch::Receiver<()>>,
}

impl Drop for Follower {
    /// The last follower of a session takes its signal along.
    fn drop(&mut self) {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        self.signal = None;
        if followed.get(&self.session).is_some_and(|signal| signal.receiver_count() == 0) {
            followed.remove(&self.session);
        }
    }
}

#[async_trait]
impl Entries for Follower {
    async fn next(&mut self) -> Result<(u64, Bytes), Error> {
        let gone = || Error::carrier("follow the journal", "the bus is gone");
        loop {
            if let Some(entry) = self.page.pop_front() {
                self.after = entry.0;
                return Ok(entry);
            }
            let signal = self.signal.as_mut().ok_or_else(gone)?;
            // Seen before reading: an entry appended after the read changes it again.
            signal.mark_unchanged();
            self.page = read(&self.store, self.session, self.after, PAGE).await?.into();
            if self.page.is_empty() {
                signal.changed().await.map_err(|_| gone())?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn journals_grow_old_whole() {
        let age = Duration::from_secs(100);
        let journals = Journals::open(Store::open(None).await.unwrap(), age).await.unwrap();
        let (ended, going) = (SessionId::named("ended"), SessionId::named("going"));
        for session in [ended, going] {
            for after in 0..2 {
                journals.append(session, Bytes::from_static(b"long ago"), after).await.unwrap();
            }
        }
        let before = journals.store.now() - 2 * millis(age);
        let aged = journals.store.transact("age", move |db| db.execute("UPDATE entry SET at = ?1", [before]));
        assert_eq!(aged.await.unwrap(), 4);
        journals.append(going, Bytes::from_static(b"now"), 2).await.unwrap();
        journals.purge().await.unwrap();
        assert!(journals.read(ended, 0).await.unwrap().is_empty());
        assert_eq!(journals.read(going, 0).await.unwrap().len(), 3);
    }
}
