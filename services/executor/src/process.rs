//! One child process, known by a descriptor that can never mean another.

use std::{fmt, io, os::fd::OwnedFd};

use rustix::process::{Signal, pidfd_send_signal};
use tokio::io::unix::AsyncFd;

/// A running child. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    handle: AsyncFd<OwnedFd>,
}

impl Process {
    /// Takes over a pidfd.
    #[expect(unsafe_code, reason = "registering is unsafe in general, whatever the type of the descriptor")]
    pub(crate) fn new(pidfd: OwnedFd) -> io::Result<Self> {
        // SAFETY: an `OwnedFd` is one open descriptor for as long as it lives.
        let handle = unsafe { AsyncFd::register_with_interest(pidfd, tokio::io::Interest::READABLE)? };
        Ok(Self { handle })
    }

    /// Asks the running cell to stop.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Makes the process stand still until [`Self::resume`].
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets the process go on.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Ends the process.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        // The only failure is a process that is gone already, which is what `ended` tells.
        let _gone = pidfd_send_signal(self.handle.get_ref(), signal);
    }

    /// Resolves once the process is gone. Safe to drop.
    pub(crate) async fn ended(&self) {
        // A pidfd stays readable, so an error can only mean that the runtime is going away.
        let _ready = self.handle.readable().await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Status(i32),
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Status(status) => write!(f, "it ended itself with status {status}"),
            Self::Signal(libc::SIGKILL) => {
                f.write_str("it was killed, most likely for lack of memory (SIGKILL)")
            }
            Self::Signal(libc::SIGXCPU) => f.write_str("its processor time is used up (SIGXCPU)"),
            Self::Signal(libc::SIGSEGV) => f.write_str("native code crashed (SIGSEGV)"),
            Self::Signal(libc::SIGBUS) => f.write_str("native code crashed (SIGBUS)"),
            Self::Signal(libc::SIGABRT) => f.write_str("native code aborted (SIGABRT)"),
            Self::Signal(libc::SIGSYS) => f.write_str("it asked for something forbidden (SIGSYS)"),
            Self::Signal(signal) => write!(f, "it ended by signal {signal}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt as _, process::Command};

    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    use super::*;

    #[tokio::test]
    async fn dropping_a_process_ends_it() {
        let mut child = Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap();
        let watched = Process::new(pidfd.try_clone().unwrap()).unwrap();
        drop(Process::new(pidfd).unwrap());
        watched.ended().await;
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    }
}
