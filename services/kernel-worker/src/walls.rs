//! What a kernel may touch, and how that is enforced on this machine.
//!
//! Each wall is a thing the kernel of the machine either grants an unprivileged process or not. The template asks
//! once, in a throw-away child ([`Walls::attempt`]), and reports the answer as the *level*. Every real child raises
//! exactly that level ([`Walls::enter`]) or dies: a session never runs behind less than was promised.
//!
//! | wall | what it takes away | needs |
//! |---|---|---|
//! | `userns` | the machine's own users | unprivileged user namespaces, or root |
//! | `netns` | the network's interfaces, abstract sockets | `userns` or root |
//! | `ipcns` | System V objects, message queues, the host's name | `userns` or root |
//! | `mountns` | the disk: scratch lies in bounded memory | `userns` or root |
//! | `root` | every file that is not bound, its name included | `mountns` |
//! | `uid` | root's own number, so that threads can be counted | a root template, `userns`, `root` |
//! | `nocaps` | capabilities | nothing |
//! | `rlimits` | more memory, time, threads, files than allotted | nothing |
//! | `landlock` | reading, writing, running other files; TCP; signals to others | Linux 5.13, best 6.12 |
//! | `seccomp` | every system call that is not on a list | nothing |
//!
//! Four things need no grant and are always done: no new privileges, no core dumps and no reading of the process
//! by others, death with the template, first to go when the machine runs out of memory.

mod family;
mod root;
mod site;
mod workspace;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use landlock::RulesetError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rustix::io::Errno;

use self::family::Family;
use self::site::Site;
use crate::seccomp::{self, Filters};

/// Why a wall does not stand.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the machine refused {0}")]
    Refused(&'static str, #[source] Errno),
    #[error("{0} could not be written")]
    IdentityMap(&'static str, #[source] std::io::Error),
    #[error("Landlock refused its rules")]
    Landlock(#[from] RulesetError),
    #[error("this kernel does not enforce Landlock")]
    LandlockAbsent,
    #[error(transparent)]
    Seccomp(#[from] seccomp::Error),
    #[error("the scratch path holds a NUL byte")]
    ScratchPath,
    #[error("there is no user number to take")]
    NoNumber,
    #[error("{0} could not be read with a user number of its own")]
    Unreadable(PathBuf, #[source] std::io::Error),
    #[error("the scratch directory could not be given to its user")]
    Giving(#[source] workspace::Error),
    #[error("the workspace {0} cannot be copied")]
    Workspace(PathBuf, #[source] workspace::Error),
    #[error("the workspace {0} holds what kernels themselves need; name another directory")]
    WorkspaceInUse(PathBuf),
    #[error("a workspace needs the wall `mountns`, which this machine does not grant")]
    WorkspaceUnbounded,
}

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(source) = cause {
            text = format!("{text}: {source}");
            cause = source.source();
        }
        PyRuntimeError::new_err(text)
    }
}

/// Bounds of one session; hitting one is an error inside the cell, never trouble for the machine.
#[derive(Debug, Clone, Copy, FromPyObject)]
#[pyo3(from_item_all)]
struct Limits {
    /// Address space, bytes.
    memory_bytes: u64,
    /// Processor time of the whole session, seconds.
    cpu_seconds: u64,
    /// Largest file, bytes; also bounds what C code may print in one cell.
    file_bytes: u64,
    /// Scratch space in memory, bytes.
    scratch_bytes: u64,
    /// Open descriptors, tensors included.
    open_files: u64,
    /// Threads; counted per session only behind the `userns` wall, and for a root template the `uid` wall.
    threads: u64,
}

/// One wall. The order is the order of raising: a later one would forbid what an earlier one needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wall {
    UserNs,
    NetNs,
    IpcNs,
    MountNs,
    Root,
    Uid,
    NoCaps,
    Rlimits,
    Landlock,
    Seccomp,
}

impl Wall {
    const ALL: [Self; 10] = [
        Self::UserNs,
        Self::NetNs,
        Self::IpcNs,
        Self::MountNs,
        Self::Root,
        Self::Uid,
        Self::NoCaps,
        Self::Rlimits,
        Self::Landlock,
        Self::Seccomp,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::UserNs => "userns",
            Self::NetNs => "netns",
            Self::IpcNs => "ipcns",
            Self::MountNs => "mountns",
            Self::Root => "root",
            Self::Uid => "uid",
            Self::NoCaps => "nocaps",
            Self::Rlimits => "rlimits",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
        }
    }
}

/// The walls of this template's children: what they may read, and the compiled system call filter.
#[pyclass(frozen, module = "spatialclaw._host")]
pub(crate) struct Walls {
    readable: Vec<PathBuf>,
    essential: Vec<PathBuf>,
    filters: Filters,
    /// Taken by each child, so that none keeps it open.
    family: Mutex<Option<Family>>,
}

#[pymethods]
impl Walls {
    /// Compiles the filters. `readable`: files and directories that cells may read, missing ones are skipped.
    /// `essential`: files that every child must be able to read. The process must be single-threaded.
    #[new]
    fn new(readable: Vec<PathBuf>, essential: Vec<PathBuf>) -> PyResult<Self> {
        let filters = Filters::compile().map_err(Error::from)?;
        Ok(Self { readable, essential, filters, family: Mutex::new(Family::found()) })
    }

    /// A descriptor that a child needs to raise its walls, or -1; it is closed when they are up.
    fn descriptor(&self) -> i32 {
        self.family.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(-1, Family::descriptor)
    }

    /// Raises every wall that can be raised and returns their names joined by `+`.
    ///
    /// For a throw-away child: whatever succeeds stays.
    fn attempt(&self, scratch: PathBuf, limits: Limits) -> String {
        let site = Site::new(self, &scratch, limits, None, None);
        let standing: Vec<_> =
            Wall::ALL.into_iter().filter(|wall| site.raise(*wall).is_ok()).map(Wall::name).collect();
        if standing.is_empty() { "none".to_owned() } else { standing.join("+") }
    }

    /// Raises exactly the walls of `level` in this process, for ever.
    ///
    /// The process must be single-threaded. Raises `RuntimeError` naming the wall that does not stand; the caller
    /// must then end the process. `workspace`: a directory whose files are copied into the scratch directory, which
    /// then lies under that name too.
    #[pyo3(signature = (level, scratch, limits, workspace = None))]
    fn enter(
        &self,
        level: &str,
        scratch: PathBuf,
        limits: Limits,
        workspace: Option<PathBuf>,
    ) -> PyResult<()> {
        let site = Site::new(self, &scratch, limits, workspace.as_deref(), Some(level));
        site.check_workspace()?;
        site::first_to_go();
        let wanted = |wall: &Wall| site.wants(*wall);
        let (namespaces, rest) = Wall::ALL.split_at(7);
        namespaces.iter().copied().filter(wanted).try_for_each(|wall| site.raise(wall))?;
        // New credentials reset these, so they come after the namespaces; prctl is filtered after the last wall.
        site::always()?;
        rest.iter().copied().filter(wanted).try_for_each(|wall| site.raise(wall))?;
        Ok(())
    }
}
