//! One SQLite connection on a thread of its own; everybody else sends it work.

use std::{
    fs::{File, TryLockError},
    io::Write as _,
    path::Path,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::Error;

/// Steps that may wait for the connection; more wait to be let in.
const WAITING: usize = 1024;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS job (
        number     INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of arrival
        queue      TEXT NOT NULL,
        id         TEXT NOT NULL,
        headers    BLOB NOT NULL,
        body       BLOB NOT NULL,
        attempts   INTEGER NOT NULL DEFAULT 0,
        claim      INTEGER NOT NULL DEFAULT 0,         -- number of the claim in force, 0 = none
        visible_at INTEGER NOT NULL DEFAULT 0,         -- Unix ms: not delivered before; dead: since
        reason     TEXT,                               -- why it is dead; NULL = alive
        UNIQUE (queue, id)
    );
    CREATE INDEX IF NOT EXISTS job_alive ON job (queue, visible_at) WHERE reason IS NULL;
    CREATE INDEX IF NOT EXISTS job_dead ON job (queue, visible_at) WHERE reason IS NOT NULL;
    CREATE INDEX IF NOT EXISTS job_claimed ON job (claim) WHERE claim != 0;
    CREATE TABLE IF NOT EXISTS entry (
        session TEXT NOT NULL,
        seq     INTEGER NOT NULL,                      -- 1, 2, 3 … within a session
        at      INTEGER NOT NULL,                      -- Unix ms
        bytes   BLOB NOT NULL,
        PRIMARY KEY (session, seq)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS entry_age ON entry (at);
";

/// Claims of a dead process are void, and nobody waits for a clock that has been set back since.
const RECOVER: &str = "
    UPDATE job SET claim = 0, visible_at = 0 WHERE claim != 0;
    UPDATE job SET visible_at = :now WHERE reason IS NULL AND visible_at > :now;
";

/// The wall clock at the start, monotonic from there: setting the clock neither hides jobs nor wakes them early.
#[derive(Clone, Copy)]
struct Clock {
    unix: Duration,
    since: Instant,
}

impl Clock {
    fn started() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { unix, since: Instant::now() }
    }

    fn now(self) -> i64 {
        millis(self.unix + self.since.elapsed())
    }
}

/// Milliseconds as SQLite keeps them.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

type Step = Box<dyn FnOnce(&mut Connection) + Send>;

/// Clones share one connection; it is closed when the last is dropped.
#[derive(Clone)]
pub(super) struct Store(Arc<Thread>);

struct Thread {
    clock: Clock,
    /// `None` only while dropping.
    steps: Option<mpsc::Sender<Step>>,
    thread: Option<JoinHandle<()>>,
}

impl Store {
    /// Opens the store in the folder `path` and voids the claims in it, or an empty one in memory.
    pub(super) async fn open(path: Option<&Path>) -> Result<Self, Error> {
        let path = path.map(Path::to_owned);
        let clock = Clock::started();
        let opened = tokio::task::spawn_blocking(move || open(path.as_deref(), clock.now())).await;
        let (connection, lock) = opened.map_err(|error| Error::carrier("open the store", error))??;
        let (steps, inbox) = mpsc::channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("bus-store".to_owned())
            .spawn(move || {
                run(connection, inbox);
                drop(lock);
            })
            .map_err(|error| Error::carrier("start the store's thread", error))?;
        Ok(Self(Arc::new(Thread { clock, steps: Some(steps), thread: Some(thread) })))
    }

    /// Runs `act` in one transaction. Once sent it is carried out even if the future is dropped; a result nobody
    /// waits for is dropped on the store's thread.
    pub(super) async fn transact<T, F>(&self, step: &'static str, act: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Transaction<'_>) -> Result<T, rusqlite::Error> + Send + 'static,
    {
        let (done, result) = oneshot::channel();
        let act: Step = Box::new(move |connection| {
            let _ = done.send(transact(connection, act));
        });
        let gone = || Error::carrier(step, "the store's thread is gone");
        let Some(steps) = &self.0.steps else { return Err(gone()) };
        steps.send(act).await.map_err(|_| gone())?;
        result.await.map_err(|_| gone())?.map_err(|error| Error::carrier(step, error))
    }

    /// Unix time in milliseconds; never goes back while the store is open.
    pub(super) fn now(&self) -> i64 {
        self.0.clock.now()
    }

    /// For use in `Drop`: a handle that does not keep the store open.
    pub(super) fn weak(&self) -> WeakStore {
        WeakStore(self.0.steps.as_ref().map(mpsc::Sender::downgrade))
    }
}

#[derive(Clone)]
pub(super) struct WeakStore(Option<mpsc::WeakSender<Step>>);

impl WeakStore {
    /// Sends `act` without waiting; whether it was sent.
    pub(super) fn post(&self, act: impl FnOnce(&Connection) + Send + 'static) -> bool {
        let steps = self.0.as_ref().and_then(mpsc::WeakSender::upgrade);
        steps.is_some_and(|steps| steps.try_send(Box::new(|connection| act(connection))).is_ok())
    }
}

impl Drop for Thread {
    /// Waits for what was sent, so that a store may be opened again as soon as it was dropped.
    fn drop(&mut self) {
        self.steps = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the store's thread panicked");
        }
    }
}

fn run(mut connection: Connection, mut inbox: mpsc::Receiver<Step>) {
    while let Some(step) = inbox.blocking_recv() {
        step(&mut connection);
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the store was not closed cleanly");
    }
}

fn transact<T>(
    connection: &mut Connection,
    act: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<T, rusqlite::Error>,
) -> Result<T, rusqlite::Error> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let done = act(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

fn open(path: Option<&Path>, now: i64) -> Result<(Connection, Option<File>), Error> {
    let failed = |error: rusqlite::Error| Error::carrier("open the store", error);
    let Some(folder) = path else {
        let connection = Connection::open_in_memory().map_err(failed)?;
        connection.execute_batch(SCHEMA).map_err(failed)?;
        return Ok((connection, None));
    };
    let lock = lock(folder)?;
    let connection = Connection::open(folder.join("bus.sqlite3")).map_err(failed)?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;").map_err(failed)?;
    connection.execute_batch(SCHEMA).map_err(failed)?;
    connection.execute_batch(&RECOVER.replace(":now", &now.to_string())).map_err(failed)?;
    Ok((connection, Some(lock)))
}

/// Two processes on one store would each think the other's claims dead.
fn lock(folder: &Path) -> Result<File, Error> {
    let bad = |error: std::io::Error| Error::Config(format!("bus.path {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(bad)?;
    let path = folder.join("bus.lock");
    let mut file =
        File::options().create(true).truncate(false).write(true).read(true).open(&path).map_err(bad)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = std::fs::read_to_string(&path).unwrap_or_default();
            return Err(Error::Config(format!(
                "bus.path {} is in use by process {}: one process at a time may open it; stop that one or use another path",
                folder.display(),
                holder.trim(),
            )));
        }
        Err(TryLockError::Error(error)) => return Err(bad(error)),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(bad)?;
    Ok(file)
}
