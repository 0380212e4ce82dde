//! The executor's end of one kernel: its pipe and its process.

use std::{fmt, os::fd::OwnedFd, time::Duration};

use bytes::Bytes;
use prost::Message as _;
use spatialclaw_proto::kernel::v1::{self as wire, FromKernel, ToKernel, from_kernel, to_kernel};
use tokio::{sync::watch, time::timeout};

use crate::{
    feedback,
    pipe::{self, Reader, Writer},
    process::{Exit, Process},
    template::Forked,
};

/// Longest frame taken from a kernel, bytes.
pub(crate) const FRAME_LIMIT: usize = 32 << 20;
/// Between the end of the pipe and the news of how the process ended.
const OBITUARY: Duration = Duration::from_secs(2);

/// Why a kernel is of no use any more.
#[derive(Debug)]
pub(crate) enum Lost {
    /// Its process ended; how, if known.
    Died(Option<Exit>),
    /// It said something it must not.
    Violation(String),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Died(Some(exit)) => write!(f, "the interpreter is gone: {exit}"),
            Self::Died(None) => f.write_str("the interpreter is gone together with its template"),
            Self::Violation(what) => write!(f, "the interpreter broke its protocol and was killed: {what}"),
        }
    }
}

/// One kernel. Dropping it kills it.
pub(crate) struct Worker {
    reader: Reader,
    writer: Writer,
    process: Process,
    exit: watch::Receiver<Option<Exit>>,
}

impl Worker {
    pub(crate) fn new(reader: Reader, writer: Writer, forked: Forked) -> Self {
        Self { reader, writer, process: forked.process, exit: forked.exit }
    }

    /// Opens the session and waits until the walls are up. The caller brings the deadline.
    pub(crate) async fn open(&mut self, open: wire::Open) -> Result<wire::Ready, Lost> {
        self.push(to_kernel::Kind::Open(open), None)?;
        let heard = self.turn(true).await;
        match self.understand(heard).await? {
            from_kernel::Kind::Ready(ready) => Ok(ready),
            _ => Err(Lost::Violation("it did not say `ready` first".to_owned())),
        }
    }

    /// Queues a message; [`Self::turn`] sends it.
    pub(crate) fn push(&mut self, kind: to_kernel::Kind, descriptor: Option<OwnedFd>) -> Result<(), Lost> {
        let message = ToKernel { kind: Some(kind) };
        let pushed = self.writer.push(&message.encode_to_vec(), descriptor);
        pushed.map_err(|error| Lost::Violation(error.to_string()))
    }

    /// Sends what is queued and, if `listening`, waits for the next frame; never resolves otherwise. Safe to drop.
    pub(crate) async fn turn(&mut self, listening: bool) -> Result<Bytes, pipe::Error> {
        loop {
            let has_mail = !self.writer.is_empty();
            tokio::select! {
                flushed = self.writer.flush(), if has_mail => flushed?,
                heard = self.reader.next(), if listening => return Ok(heard?.body),
                else => std::future::pending().await,
            }
        }
    }

    /// Reads a frame.
    pub(crate) async fn understand(
        &mut self,
        heard: Result<Bytes, pipe::Error>,
    ) -> Result<from_kernel::Kind, Lost> {
        let body = match heard {
            Ok(body) => body,
            Err(error) => return Err(self.lost(error).await),
        };
        match FromKernel::decode(body) {
            Ok(FromKernel { kind: Some(kind) }) => Ok(kind),
            Ok(FromKernel { kind: None }) => Err(Lost::Violation("an empty message".to_owned())),
            Err(error) => Err(Lost::Violation(feedback::bounded(&error.to_string(), 200))),
        }
    }

    async fn lost(&mut self, error: pipe::Error) -> Lost {
        match error {
            pipe::Error::Closed => {
                // A cell that closed the pipe and lives on would keep us waiting.
                match timeout(OBITUARY, self.exit.wait_for(Option::is_some)).await {
                    Ok(Ok(exit)) => Lost::Died(*exit),
                    Ok(Err(_)) => Lost::Died(None),
                    Err(_) => Lost::Violation("it closed its pipe".to_owned()),
                }
            }
            error => Lost::Violation(error.to_string()),
        }
    }

    /// Makes the interpreter stand still, threads that a cell left behind included, until [`Self::resume`].
    pub(crate) fn pause(&self) {
        self.process.pause();
    }

    /// Lets the interpreter go on.
    pub(crate) fn resume(&self) {
        self.process.resume();
    }

    /// Asks the running cell to stop.
    pub(crate) fn interrupt(&self) {
        self.process.interrupt();
    }

    /// Ends the process and waits for its end.
    pub(crate) async fn kill(&self) {
        self.process.kill();
        // Only a process stuck in the machine's own kernel outlasts this; its seat is worth more than its grave.
        if timeout(OBITUARY, self.process.ended()).await.is_err() {
            tracing::warn!("a killed kernel is still there");
        }
    }

    /// Tells how the process ended, whenever that is.
    pub(crate) fn exit(&self) -> watch::Receiver<Option<Exit>> {
        self.exit.clone()
    }
}
