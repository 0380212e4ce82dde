//! What a kernel may touch, and how that is enforced on this machine.
//!
//! Each wall is a thing the kernel of the machine either grants an unprivileged process or not. The template asks
//! once, in a throw-away child ([`Walls::attempt`]), and reports the answer as the *level*. Every real child raises
//! exactly that level ([`Walls::enter`]) or dies: a session never runs behind less than was promised.
//!
//! Three things need no grant and are always done: no new privileges, no core dumps and no reading of the process
//! by others, death with the template.

use std::ffi::CString;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, getgid, getrlimit, getuid, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags, set_capabilities, set_no_new_privs};

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
    /// Threads; counted per session only behind the `userns` wall.
    threads: u64,
}

/// One wall. The order is the order of raising: a later one would forbid what an earlier one needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wall {
    UserNs,
    NetNs,
    IpcNs,
    MountNs,
    NoCaps,
    Rlimits,
    Landlock,
    Seccomp,
}

impl Wall {
    const ALL: [Self; 8] = [
        Self::UserNs,
        Self::NetNs,
        Self::IpcNs,
        Self::MountNs,
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
    filters: Filters,
}

#[pymethods]
impl Walls {
    /// Compiles the filters. `readable`: files and directories that cells may read, missing ones are skipped.
    #[new]
    fn new(readable: Vec<PathBuf>) -> PyResult<Self> {
        Ok(Self { readable, filters: Filters::compile().map_err(Error::from)? })
    }

    /// Raises every wall that can be raised and returns their names joined by `+`.
    ///
    /// For a throw-away child: whatever succeeds stays.
    fn attempt(&self, scratch: PathBuf, limits: Limits) -> String {
        let site = Site { walls: self, scratch: &scratch, limits };
        let standing: Vec<_> =
            Wall::ALL.into_iter().filter(|wall| site.raise(*wall).is_ok()).map(Wall::name).collect();
        if standing.is_empty() { "none".to_owned() } else { standing.join("+") }
    }

    /// Raises exactly the walls of `level` in this process, for ever.
    ///
    /// The process must be single-threaded. Raises `RuntimeError` naming the wall that does not stand; the caller
    /// must then end the process.
    fn enter(&self, level: &str, scratch: PathBuf, limits: Limits) -> PyResult<()> {
        let site = Site { walls: self, scratch: &scratch, limits };
        let wanted = |wall: &Wall| level.split('+').any(|name| name == wall.name());
        let (namespaces, rest) = Wall::ALL.split_at(5);
        namespaces.iter().copied().filter(wanted).try_for_each(|wall| site.raise(wall))?;
        // New credentials reset these, so they come after the namespaces; prctl is filtered after the last wall.
        always()?;
        rest.iter().copied().filter(wanted).try_for_each(|wall| site.raise(wall))?;
        Ok(())
    }
}

/// One child at the moment its walls go up.
struct Site<'a> {
    walls: &'a Walls,
    scratch: &'a Path,
    limits: Limits,
}

impl Site<'_> {
    fn raise(&self, wall: Wall) -> Result<(), Error> {
        match wall {
            Wall::UserNs => enter_user_namespace(),
            Wall::NetNs => unshare(UnshareFlags::NEWNET, "a network namespace"),
            Wall::IpcNs => unshare(UnshareFlags::NEWIPC | UnshareFlags::NEWUTS, "an IPC namespace"),
            Wall::MountNs => self.own_scratch(),
            Wall::NoCaps => drop_capabilities(),
            Wall::Rlimits => self.limit_resources(),
            Wall::Landlock => self.limit_files(),
            Wall::Seccomp => Ok(self.walls.filters.install()?),
        }
    }

    /// A private tmpfs over the scratch directory: bounded, gone with the process, nothing on it can be executed.
    fn own_scratch(&self) -> Result<(), Error> {
        unshare(UnshareFlags::NEWNS, "a mount namespace")?;
        let private =
            rustix::mount::MountPropagationFlags::PRIVATE | rustix::mount::MountPropagationFlags::REC;
        rustix::mount::mount_change("/", private).map_err(|errno| Error::Refused("private mounts", errno))?;
        let options = format!("mode=0700,nr_inodes=16384,size={}", self.limits.scratch_bytes);
        let options = CString::new(options).map_err(|_| Error::ScratchPath)?;
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        mount("tmpfs", self.scratch, "tmpfs", flags, options.as_c_str())
            .map_err(|errno| Error::Refused("a tmpfs over the scratch directory", errno))
    }

    fn limit_resources(&self) -> Result<(), Error> {
        let limits = &self.limits;
        let bounds = [
            (Resource::As, limits.memory_bytes),
            (Resource::Cpu, limits.cpu_seconds),
            (Resource::Fsize, limits.file_bytes),
            (Resource::Nofile, limits.open_files),
            (Resource::Core, 0),
            (Resource::Memlock, 0),
            (Resource::Msgqueue, 0),
        ];
        for (resource, bound) in bounds {
            limit(resource, bound)?;
        }
        // Outside a user namespace this would count every process of the user, ours included.
        if own_user_namespace() { limit(Resource::Nproc, limits.threads) } else { Ok(()) }
    }

    fn limit_files(&self) -> Result<(), Error> {
        let known = ABI::V6;
        let read = AccessFs::ReadFile | AccessFs::ReadDir;
        // Everything but running programs and making devices or sockets.
        let own = AccessFs::from_all(known)
            & !(AccessFs::Execute
                | AccessFs::MakeChar
                | AccessFs::MakeBlock
                | AccessFs::MakeSock
                | AccessFs::IoctlDev);
        let status = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(known))?
            .handle_access(AccessNet::from_all(known))?
            .scope(Scope::from_all(known))?
            .create()?
            .add_rules(path_beneath_rules(&self.walls.readable, read))?
            .add_rules(path_beneath_rules(["/dev/null"], AccessFs::ReadFile | AccessFs::WriteFile))?
            .add_rules(path_beneath_rules([self.scratch], own))?
            .restrict_self()?;
        if status.ruleset == RulesetStatus::NotEnforced { Err(Error::LandlockAbsent) } else { Ok(()) }
    }
}

fn always() -> Result<(), Error> {
    set_no_new_privs(true).map_err(|errno| Error::Refused("no_new_privs", errno))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|errno| Error::Refused("not dumpable", errno))?;
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|errno| Error::Refused("a death signal", errno))
}

/// Enters a user namespace where the process keeps its own number, so that files it makes have an owner.
fn enter_user_namespace() -> Result<(), Error> {
    let (user, group) = (getuid().as_raw(), getgid().as_raw());
    unshare(UnshareFlags::NEWUSER, "a user namespace")?;
    write_map("/proc/self/uid_map", &format!("{user} {user} 1"))?;
    write_map("/proc/self/setgroups", "deny")?;
    write_map("/proc/self/gid_map", &format!("{group} {group} 1"))
}

fn write_map(path: &'static str, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|cause| Error::IdentityMap(path, cause))
}

/// True if this process's user namespace maps a single user, as ours do and the machine's own does not.
fn own_user_namespace() -> bool {
    std::fs::read_to_string("/proc/self/uid_map")
        .is_ok_and(|map| map.lines().count() == 1 && map.split_whitespace().nth(2) == Some("1"))
}

#[expect(unsafe_code, reason = "rustix cannot know that no file descriptor table is unshared")]
fn unshare(flags: UnshareFlags, what: &'static str) -> Result<(), Error> {
    // SAFETY: the danger is unsharing the descriptor table under other threads; only namespaces are passed here,
    // and the process has one thread.
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(|errno| Error::Refused(what, errno))
}

fn drop_capabilities() -> Result<(), Error> {
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
        .map_err(|errno| Error::Refused("dropping capabilities", errno))
}

fn limit(resource: Resource, bound: u64) -> Result<(), Error> {
    let bound = getrlimit(resource).maximum.map_or(bound, |hard| hard.min(bound));
    let both = Rlimit { current: Some(bound), maximum: Some(bound) };
    setrlimit(resource, both).map_err(|errno| Error::Refused("a resource limit", errno))
}
