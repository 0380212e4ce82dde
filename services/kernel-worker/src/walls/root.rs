//! A root directory of its own: what cells may read, bound read-only, the scratch directory, `/dev/null`; nothing
//! else exists. Landlock hides what is in other files; this hides that there are any.

use std::{
    ffi::CString,
    fs::{DirBuilder, File},
    os::unix::{ffi::OsStrExt as _, fs::DirBuilderExt as _},
    path::{Path, PathBuf},
};

use rustix::{
    fs::Mode,
    io::Errno,
    mount::{MountFlags, UnmountFlags, mount, mount_bind_recursive, unmount},
    process::{chdir, pivot_root, umask},
};

use super::Error;

/// Where the new root is built: it exists everywhere and holds nothing that a kernel may see.
const BASE: &str = "/proc";

/// Makes `readable`, `/dev/null` and `scratch` (under its own name and under `workspace`) all there is.
pub(super) fn enter(readable: &[PathBuf], scratch: &Path, workspace: Option<&Path>) -> Result<(), Error> {
    umask(Mode::from_raw_mode(0o022));
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("tmpfs", BASE, "tmpfs", flags, c"mode=0755,size=1m,nr_inodes=8192")
        .map_err(|errno| Error::Refused("a tmpfs for the root directory", errno))?;
    let mut bound = Vec::new();
    for path in readable.iter().map(PathBuf::as_path).chain([Path::new("/dev/null")]) {
        let Ok(real) = path.canonicalize() else { continue };
        bind_once(&real, path, &mut bound)?;
        bind_once(&real, &real, &mut bound)?;
    }
    for name in [Some(scratch), workspace].into_iter().flatten() {
        bind(scratch, &inside(name))
            .map_err(|errno| Error::Refused("the scratch directory in a new root", errno))?;
    }
    turn().map_err(|errno| Error::Refused("a root directory of its own", errno))
}

/// Binds `real`, read-only, under the name `path`, unless a directory above it is bound.
fn bind_once(real: &Path, path: &Path, bound: &mut Vec<PathBuf>) -> Result<(), Error> {
    if bound.iter().any(|above| path.starts_with(above)) {
        return Ok(());
    }
    let target = inside(path);
    let refused = |errno| Error::Refused("a library in a new root", errno);
    bind(real, &target).map_err(refused)?;
    read_only(&target).map_err(refused)?;
    bound.push(path.to_owned());
    Ok(())
}

fn inside(path: &Path) -> PathBuf {
    Path::new(BASE).join(path.strip_prefix("/").unwrap_or(path))
}

fn bind(real: &Path, target: &Path) -> Result<(), Errno> {
    let is_file = !real.is_dir();
    let folder = if is_file { target.parent().unwrap_or(target) } else { target };
    DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(errno)?;
    if is_file {
        File::create(target).map_err(errno)?;
    }
    mount_bind_recursive(real, target)
}

fn errno(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}

#[expect(unsafe_code, reason = "rustix has no mount_setattr")]
fn read_only(target: &Path) -> Result<(), Errno> {
    let path = CString::new(target.as_os_str().as_bytes()).map_err(|_| Errno::INVAL)?;
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    // SAFETY: path and attributes live through the call, and the size is theirs.
    let failed = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if failed == 0 { Ok(()) } else { Err(errno(std::io::Error::last_os_error())) }
}

/// Makes [`BASE`] the root and lets go of the old one.
fn turn() -> Result<(), Errno> {
    chdir(BASE)?;
    pivot_root(".", ".")?;
    // The old root now lies over the new one.
    unmount(".", UnmountFlags::DETACH)?;
    chdir("/")
}
