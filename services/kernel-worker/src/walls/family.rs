//! A user namespace with user numbers to spare, made once by a template that is root.
//!
//! A process that makes its own user namespace can map one number only, its own. Root's own number is exempt from the
//! bound on threads, and owns files on the machine. So a root template makes one namespace with a range of numbers
//! that nobody else has; every child joins it and takes a number of its own.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd},
};

use rustix::{
    io::Errno,
    process::{Pid, WaitOptions, geteuid, waitpid},
    thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe},
};

/// Numbers on the machine that no user, container or service manager hands out by default.
const FIRST: u32 = 2_000_000_000;
/// How many; inside the namespace they are 1, 2, …
const COUNT: u32 = 60_000;

#[derive(Debug)]
pub(super) struct Family(OwnedFd);

impl Family {
    /// Makes the namespace; `None` if this process is not root or the machine refuses.
    pub(super) fn found() -> Option<Self> {
        if !geteuid().is_root() {
            return None;
        }
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().ok()?;
        #[expect(unsafe_code, reason = "nothing safer makes a process")]
        // SAFETY: this process has one thread, and the child calls nothing but system calls.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            drop(ours);
            hold(theirs);
        }
        drop(theirs);
        let family = Pid::from_raw(pid).and_then(|pid| Self::of(pid, &ours).ok());
        drop(ours);
        let _reaped = waitpid(Pid::from_raw(pid), WaitOptions::empty());
        family
    }

    fn of(child: Pid, mut child_end: &std::os::unix::net::UnixStream) -> std::io::Result<Self> {
        child_end.read_exact(&mut [0])?;
        let proc = format!("/proc/{}", child.as_raw_nonzero());
        for map in ["uid_map", "gid_map"] {
            std::fs::write(format!("{proc}/{map}"), format!("0 0 1\n1 {FIRST} {COUNT}\n"))?;
        }
        Ok(Self(File::open(format!("{proc}/ns/user"))?.into()))
    }

    /// Joins the namespace as its root.
    pub(super) fn join(&self) -> Result<(), Errno> {
        move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::User))
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// The number of the process `pid`.
    pub(super) fn number(pid: u32) -> u32 {
        1 + pid % COUNT
    }
}

/// Makes the namespace and keeps it until the other end is closed.
fn hold(mut end: std::os::unix::net::UnixStream) -> ! {
    #[expect(unsafe_code, reason = "rustix cannot know that no file descriptor table is unshared")]
    // SAFETY: only a user namespace is unshared.
    let made = unsafe { unshare_unsafe(UnshareFlags::NEWUSER) };
    if made.is_ok() && end.write_all(&[1]).is_ok() {
        let _closed = end.read(&mut [0]);
    }
    #[expect(unsafe_code, reason = "the copy of the interpreter must not be torn down")]
    // SAFETY: ends the process.
    unsafe {
        libc::_exit(0)
    }
}
