//! Length-prefixed frames over a Unix stream socket, with a descriptor now and then.
//!
//! Both halves may be dropped in the middle of a wait: what was read or written so far stays with the half, so a
//! `select!` never puts the stream out of step.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd as _, OwnedFd},
    os::unix::net::UnixStream as StdUnixStream,
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use rustix::{
    io::retry_on_intr,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
        SendFlags, recvmsg, sendmsg,
    },
};
use tokio::{io::Interest, net::UnixStream};

/// Bytes of the length in front of every frame.
const HEADER: usize = 4;
/// Bytes read at once. Memory grows with what arrives, not with what a length promises.
const CHUNK: usize = 64 << 10;
/// Frames that may wait for the other end to read.
const OUTBOX: usize = 16;

/// Why no frame came or went; the stream is of no use after it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the other end is closed")]
    Closed,
    #[error("a frame of {length} bytes is longer than {limit}")]
    TooLong { length: usize, limit: usize },
    #[error("the other end has not read {OUTBOX} frames")]
    NotReading,
    #[error("the socket failed")]
    Socket(#[source] io::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Self::Closed,
            _ => Self::Socket(error),
        }
    }
}

/// One frame and the descriptor that came with its first byte.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) body: Bytes,
    pub(crate) descriptor: Option<OwnedFd>,
}

/// A connected pair: our two halves, and the other end to give away.
///
/// `limit`: longest frame accepted from the other end, bytes.
pub(crate) fn pair(limit: usize) -> io::Result<(Reader, Writer, OwnedFd)> {
    let (ours, theirs) = StdUnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let socket = Arc::new(UnixStream::from_std(ours)?);
    let reader = Reader {
        socket: Arc::clone(&socket),
        limit,
        chunk: vec![0; CHUNK].into_boxed_slice(),
        bytes: BytesMut::new(),
        descriptor: None,
    };
    Ok((reader, Writer { socket, outbox: VecDeque::new() }, theirs.into()))
}

/// The reading half.
pub(crate) struct Reader {
    socket: Arc<UnixStream>,
    limit: usize,
    chunk: Box<[u8]>,
    bytes: BytesMut,
    descriptor: Option<OwnedFd>,
}

impl Reader {
    /// The next frame, however long that takes. Safe to drop.
    pub(crate) async fn next(&mut self) -> Result<Frame, Error> {
        self.fill(HEADER).await?;
        let length =
            u32::from_le_bytes([self.bytes[0], self.bytes[1], self.bytes[2], self.bytes[3]]) as usize;
        if length > self.limit {
            return Err(Error::TooLong { length, limit: self.limit });
        }
        self.fill(HEADER + length).await?;
        let body = self.bytes.split().freeze().slice(HEADER..);
        Ok(Frame { body, descriptor: self.descriptor.take() })
    }

    async fn fill(&mut self, wanted: usize) -> Result<(), Error> {
        while self.bytes.len() < wanted {
            let room = (wanted - self.bytes.len()).min(CHUNK);
            let (socket, chunk) = (&self.socket, &mut self.chunk[..room]);
            let receive = || receive(socket, chunk);
            let (count, descriptor) = socket.async_io(Interest::READABLE, receive).await?;
            if count == 0 {
                return Err(Error::Closed);
            }
            if descriptor.is_some() {
                self.descriptor = descriptor;
            }
            self.bytes.extend_from_slice(&self.chunk[..count]);
        }
        Ok(())
    }
}

fn receive(socket: &UnixStream, into: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(into)];
    let received = retry_on_intr(|| recvmsg(socket, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC))?;
    let mut descriptor = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            descriptor = descriptors.last();
        }
    }
    Ok((received.bytes, descriptor))
}

struct Outgoing {
    bytes: Bytes,
    descriptor: Option<OwnedFd>,
}

/// The writing half: a short queue of frames.
pub(crate) struct Writer {
    socket: Arc<UnixStream>,
    outbox: VecDeque<Outgoing>,
}

impl Writer {
    /// Queues a frame; [`Self::flush`] sends it.
    ///
    /// # Errors
    /// [`Error::NotReading`] if too many wait already.
    pub(crate) fn push(&mut self, body: &[u8], descriptor: Option<OwnedFd>) -> Result<(), Error> {
        if self.outbox.len() >= OUTBOX {
            return Err(Error::NotReading);
        }
        let length = u32::try_from(body.len())
            .map_err(|_| Error::TooLong { length: body.len(), limit: u32::MAX as usize })?;
        let mut bytes = BytesMut::with_capacity(HEADER + body.len());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(body);
        self.outbox.push_back(Outgoing { bytes: bytes.freeze(), descriptor });
        Ok(())
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Sends what waits. Safe to drop.
    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        while let Some(front) = self.outbox.front_mut() {
            let socket = &self.socket;
            let count = socket.async_io(Interest::WRITABLE, || transmit(socket, front)).await?;
            front.descriptor = None;
            let _sent = front.bytes.split_to(count);
            if front.bytes.is_empty() {
                self.outbox.pop_front();
            }
        }
        Ok(())
    }
}

fn transmit(socket: &UnixStream, outgoing: &Outgoing) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let descriptors = outgoing.descriptor.as_ref().map(|descriptor| [descriptor.as_fd()]);
    let mut control = SendAncillaryBuffer::new(&mut space);
    if let Some(descriptors) = &descriptors {
        control.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    let slices = [IoSlice::new(&outgoing.bytes)];
    Ok(retry_on_intr(|| sendmsg(socket, &slices, &mut control, SendFlags::NOSIGNAL))?)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::{Read as _, Seek as _, Write as _},
    };

    use super::*;

    fn other_end(theirs: OwnedFd, limit: usize) -> (Reader, Writer) {
        let (mut reader, mut writer, _) = pair(limit).unwrap();
        let theirs = StdUnixStream::from(theirs);
        theirs.set_nonblocking(true).unwrap();
        let socket = Arc::new(UnixStream::from_std(theirs).unwrap());
        reader.socket = Arc::clone(&socket);
        writer.socket = socket;
        (reader, writer)
    }

    #[tokio::test]
    async fn frames_and_descriptors_arrive_in_order() {
        let (mut reader, _writer, theirs) = pair(1 << 20).unwrap();
        let (_, mut writer) = other_end(theirs, 0);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"tensor").unwrap();
        writer.push(b"one", None).unwrap();
        writer.push(&vec![7; 500_000], Some(file.into())).unwrap();
        writer.push(b"", None).unwrap();
        let (_, frames) = tokio::join!(async { writer.flush().await.unwrap() }, async {
            [reader.next().await.unwrap(), reader.next().await.unwrap(), reader.next().await.unwrap()]
        });
        let [one, two, three] = frames;
        assert_eq!(&one.body[..], b"one");
        assert!(one.descriptor.is_none() && three.descriptor.is_none() && three.body.is_empty());
        assert_eq!(two.body.len(), 500_000);
        let mut received = File::from(two.descriptor.unwrap());
        received.rewind().unwrap();
        let mut text = String::new();
        received.read_to_string(&mut text).unwrap();
        assert_eq!(text, "tensor");
    }

    #[tokio::test]
    async fn a_promise_of_too_much_is_refused_before_it_is_read() {
        let (mut reader, _writer, theirs) = pair(100).unwrap();
        let mut theirs = StdUnixStream::from(theirs);
        theirs.write_all(&u32::MAX.to_le_bytes()).unwrap();
        assert!(matches!(reader.next().await, Err(Error::TooLong { limit: 100, .. })));
    }

    #[tokio::test]
    async fn an_abandoned_read_goes_on_where_it_stopped() {
        let (mut reader, _writer, theirs) = pair(100).unwrap();
        let mut theirs = StdUnixStream::from(theirs);
        theirs.write_all(&[3, 0, 0, 0, b'a']).unwrap();
        tokio::select! {
            biased;
            _ = reader.next() => panic!("half a frame is no frame"),
            () = tokio::task::yield_now() => {}
        }
        theirs.write_all(b"bc").unwrap();
        assert_eq!(&reader.next().await.unwrap().body[..], b"abc");
        drop(theirs);
        assert!(matches!(reader.next().await, Err(Error::Closed)));
    }

    #[tokio::test]
    async fn an_end_that_does_not_read_fills_a_short_queue() {
        let (_reader, mut writer, _theirs) = pair(100).unwrap();
        for _ in 0..OUTBOX {
            writer.push(b"x", None).unwrap();
        }
        assert!(matches!(writer.push(b"x", None), Err(Error::NotReading)));
    }
}
