//! A copy of a directory's files in the scratch directory: what a session is given to start with.
//!
//! Files and directories only; links, sockets and devices are left out, and nothing is followed. The scratch
//! directory's own bounds are the bounds of the copy.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{
        AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Uid, chownat, fchown, fstat, mkdirat, openat, statat,
    },
    io::Errno,
};

const DEPTH: u32 = 32;
const ENTRIES: u32 = 10_000;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("it has more than {ENTRIES} entries")]
    TooMany,
    #[error("its directories are nested more than {DEPTH} deep")]
    TooDeep,
    #[error("it is larger than the scratch directory")]
    TooLarge,
    #[error("reading or writing failed")]
    Io(#[from] io::Error),
}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Self {
        if errno == Errno::NOSPC { Self::TooLarge } else { Self::Io(errno.into()) }
    }
}

/// Copies what is in `from` into `to`.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let from = openat(CWD, from, flags, Mode::empty())?;
    let to = openat(CWD, to, flags, Mode::empty())?;
    folder(&from, &to, DEPTH, &mut { ENTRIES })
}

/// Makes `user` and `group` the owners of `path` and all in it.
pub(super) fn give(path: &Path, user: Uid, group: Gid) -> Result<(), Error> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    give_folder(&openat(CWD, path, flags, Mode::empty())?, user, group)
}

fn give_folder(folder: &OwnedFd, user: Uid, group: Gid) -> Result<(), Error> {
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if FileType::from_raw_mode(statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode)
            == FileType::Directory
        {
            let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            give_folder(&openat(folder, name, flags, Mode::empty())?, user, group)?;
        }
        chownat(folder, name, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW)?;
    }
    Ok(fchown(folder, Some(user), Some(group))?)
}

fn folder(from: &OwnedFd, to: &OwnedFd, depth: u32, left: &mut u32) -> Result<(), Error> {
    let depth = depth.checked_sub(1).ok_or(Error::TooDeep)?;
    for entry in Dir::read_from(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        *left = left.checked_sub(1).ok_or(Error::TooMany)?;
        let kind = FileType::from_raw_mode(statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode);
        let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match kind {
            FileType::Directory => {
                let inner = openat(from, name, flags | OFlags::DIRECTORY, Mode::empty())?;
                mkdirat(to, name, Mode::from_raw_mode(0o700))?;
                let copied = openat(to, name, flags | OFlags::DIRECTORY, Mode::empty())?;
                folder(&inner, &copied, depth, left)?;
            }
            FileType::RegularFile => file(from, to, name)?,
            _ => {}
        }
    }
    Ok(())
}

fn file(from: impl AsFd, to: impl AsFd, name: &std::ffi::CStr) -> Result<(), Error> {
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // Not blocking: it may be a pipe by now.
    let source = openat(from, name, flags | OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty())?;
    if FileType::from_raw_mode(fstat(&source)?.st_mode) != FileType::RegularFile {
        return Ok(());
    }
    let target =
        openat(to, name, flags | OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL, Mode::from_raw_mode(0o600))?;
    match io::copy(&mut File::from(source), &mut File::from(target)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(Error::TooLarge),
        Err(error) => Err(error.into()),
    }
}
