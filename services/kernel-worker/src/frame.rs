//! Length-prefixed messages over a Unix stream socket, with a descriptor now and then.
//!
//! A read may be interrupted at any byte by a signal; what was read stays in the [`Reader`], so the next call
//! goes on where this one stopped and the stream never falls out of step. A write is never given up halfway.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use prost::Message;
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, recvmsg, send as send_bytes,
};

/// Longest message accepted from the host, in bytes.
const INCOMING_LIMIT: usize = 16 << 20;
/// Longest message sent to the host, in bytes.
pub(crate) const OUTGOING_LIMIT: usize = 32 << 20;
/// Bytes of the length in front of every message.
const HEADER: usize = 4;

/// Why no message came or went.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A signal arrived; the caller looks at it and calls again.
    #[error("interrupted by a signal")]
    Interrupted,
    /// The other end is closed.
    #[error("the host closed the session")]
    Closed,
    /// The host said something that is no message.
    #[error("the host sent {0}")]
    Malformed(String),
    /// A message of ours is longer than the host would accept.
    #[error("a message of {0} bytes is longer than the limit of {OUTGOING_LIMIT} bytes")]
    TooLong(usize),
    /// The socket failed.
    #[error("the session's socket failed")]
    Socket(#[source] Errno),
}

/// One message and the descriptor that came with its first byte.
#[derive(Debug)]
pub(crate) struct Incoming<M> {
    pub(crate) message: M,
    pub(crate) descriptor: Option<OwnedFd>,
}

/// The reading half: the message that is under way.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    bytes: Vec<u8>,
    filled: usize,
    descriptor: Option<OwnedFd>,
}

impl Reader {
    /// Reads until one whole message is there.
    ///
    /// # Errors
    /// [`Error::Interrupted`] keeps everything read so far; the other errors end the session.
    pub(crate) fn next<M: Message + Default>(
        &mut self,
        socket: BorrowedFd<'_>,
    ) -> Result<Incoming<M>, Error> {
        self.fill(socket, HEADER)?;
        let length =
            u32::from_le_bytes([self.bytes[0], self.bytes[1], self.bytes[2], self.bytes[3]]) as usize;
        if length > INCOMING_LIMIT {
            return Err(Error::Malformed(format!("a message of {length} bytes, more than {INCOMING_LIMIT}")));
        }
        self.fill(socket, HEADER + length)?;
        let message =
            M::decode(&self.bytes[HEADER..]).map_err(|cause| Error::Malformed(cause.to_string()))?;
        self.bytes.clear();
        self.filled = 0;
        Ok(Incoming { message, descriptor: self.descriptor.take() })
    }

    fn fill(&mut self, socket: BorrowedFd<'_>, wanted: usize) -> Result<(), Error> {
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
        while self.filled < wanted {
            self.filled += self.receive(socket, wanted)?;
        }
        Ok(())
    }

    fn receive(&mut self, socket: BorrowedFd<'_>, wanted: usize) -> Result<usize, Error> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut slices = [IoSliceMut::new(&mut self.bytes[self.filled..wanted])];
        let received = recvmsg(socket, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC).map_err(failed)?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.descriptor = descriptors.last();
            }
        }
        if received.bytes == 0 { Err(Error::Closed) } else { Ok(received.bytes) }
    }
}

/// Sends one message, whole, whatever signals arrive meanwhile.
///
/// # Errors
/// [`Error::TooLong`] before anything is sent; the others end the session.
pub(crate) fn send<M: Message>(socket: impl AsFd, message: &M) -> Result<(), Error> {
    let length = message.encoded_len();
    if length > OUTGOING_LIMIT {
        return Err(Error::TooLong(length));
    }
    let mut bytes = Vec::with_capacity(HEADER + length);
    bytes.extend_from_slice(&(length as u32).to_le_bytes());
    message.encode_raw(&mut bytes);
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        // Not `sendmsg`: the walls forbid it, so that a cell cannot send descriptors.
        match send_bytes(&socket, rest, SendFlags::NOSIGNAL).map_err(failed) {
            Ok(count) => rest = &rest[count..],
            Err(Error::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn failed(errno: Errno) -> Error {
    match errno {
        Errno::INTR => Error::Interrupted,
        Errno::PIPE | Errno::CONNRESET => Error::Closed,
        other => Error::Socket(other),
    }
}
