//! One child at the moment its walls go up.

use std::cell::Cell;
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetStatus, Scope, path_beneath_rules,
};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};
use rustix::process::{
    DumpableBehavior, Gid, Resource, Rlimit, Signal, Uid, getgid, getrlimit, getuid, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, UnshareFlags, set_capabilities, set_no_new_privs, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};

use super::family::Family;
use super::{Error, Limits, Wall, Walls, root, workspace};

/// One child at the moment its walls go up.
pub(super) struct Site<'a> {
    walls: &'a Walls,
    scratch: &'a Path,
    limits: Limits,
    workspace: Option<&'a Path>,
    /// What is to stand; `None` tries everything.
    level: Option<&'a str>,
    family: Option<Family>,
    /// Whether threads of this user are threads of this session.
    is_counted: Cell<bool>,
    has_root: Cell<bool>,
}

impl<'a> Site<'a> {
    pub(super) fn new(
        walls: &'a Walls,
        scratch: &'a Path,
        limits: Limits,
        workspace: Option<&'a Path>,
        level: Option<&'a str>,
    ) -> Self {
        let family = walls.family.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (is_counted, has_root) = Default::default();
        Self { walls, scratch, limits, workspace, level, family, is_counted, has_root }
    }

    pub(super) fn wants(&self, wall: Wall) -> bool {
        self.level.is_none_or(|level| level.split('+').any(|name| name == wall.name()))
    }

    pub(super) fn check_workspace(&self) -> Result<(), Error> {
        let Some(workspace) = self.workspace else { return Ok(()) };
        if !self.wants(Wall::MountNs) {
            return Err(Error::WorkspaceUnbounded);
        }
        let needed = self.walls.readable.iter().map(PathBuf::as_path);
        let holds = |path: &Path| {
            path.starts_with(workspace) || path.canonicalize().is_ok_and(|real| real.starts_with(workspace))
        };
        if needed.chain([self.scratch, Path::new("/dev/null")]).any(holds) {
            return Err(Error::WorkspaceInUse(workspace.to_owned()));
        }
        Ok(())
    }

    pub(super) fn raise(&self, wall: Wall) -> Result<(), Error> {
        match wall {
            Wall::UserNs => self.enter_user_namespace(),
            Wall::NetNs => unshare(UnshareFlags::NEWNET, "a network namespace"),
            Wall::IpcNs => unshare(UnshareFlags::NEWIPC | UnshareFlags::NEWUTS, "an IPC namespace"),
            Wall::MountNs => self.own_scratch(),
            Wall::Root => self.own_root(),
            Wall::Uid => self.own_number(),
            Wall::NoCaps => drop_capabilities(),
            Wall::Rlimits => self.limit_resources(),
            Wall::Landlock => self.limit_files(),
            Wall::Seccomp => Ok(self.walls.filters.install()?),
        }
    }

    fn enter_user_namespace(&self) -> Result<(), Error> {
        match &self.family {
            Some(family) => {
                family.join().map_err(|errno| Error::Refused("the kernels' user namespace", errno))
            }
            None => {
                make_user_namespace()?;
                self.is_counted.set(!getuid().is_root());
                Ok(())
            }
        }
    }

    /// A private tmpfs over the scratch directory: bounded, gone with the process, nothing on it can be executed.
    fn own_scratch(&self) -> Result<(), Error> {
        unshare(UnshareFlags::NEWNS, "a mount namespace")?;
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change("/", private).map_err(|errno| Error::Refused("private mounts", errno))?;
        let options = format!("mode=0700,nr_inodes=16384,size={}", self.limits.scratch_bytes);
        let options = CString::new(options).map_err(|_| Error::ScratchPath)?;
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        mount("tmpfs", self.scratch, "tmpfs", flags, options.as_c_str())
            .map_err(|errno| Error::Refused("a tmpfs over the scratch directory", errno))?;
        self.workspace.map_or(Ok(()), |workspace| self.fill_scratch(workspace))
    }

    /// Copies the workspace and puts the copy in its place, in this process's view.
    fn fill_scratch(&self, workspace: &Path) -> Result<(), Error> {
        let failed = |cause| Error::Workspace(workspace.to_owned(), cause);
        workspace::copy(workspace, self.scratch).map_err(failed)?;
        mount_bind(self.scratch, workspace)
            .map_err(|errno| Error::Refused("the scratch directory in the workspace's place", errno))
    }

    fn own_root(&self) -> Result<(), Error> {
        root::enter(&self.walls.readable, self.scratch, self.workspace)?;
        self.has_root.set(true);
        Ok(())
    }

    /// Takes a user number that nobody else has. The files that a kernel needs may lie in directories that only root
    /// can enter, so this needs the root directory where they are bound.
    fn own_number(&self) -> Result<(), Error> {
        if self.family.is_none() || !self.has_root.get() {
            return Err(Error::NoNumber);
        }
        let number = Family::number(std::process::id());
        let (user, group) = (Uid::from_raw(number), Gid::from_raw(number));
        workspace::give(self.scratch, user, group).map_err(Error::Giving)?;
        let refused = |errno| Error::Refused("a user number of its own", errno);
        set_thread_groups(&[]).map_err(refused)?;
        set_thread_res_gid(group, group, group).map_err(refused)?;
        set_thread_res_uid(user, user, user).map_err(refused)?;
        for path in &self.walls.essential {
            std::fs::File::open(path).map_err(|cause| Error::Unreadable(path.clone(), cause))?;
        }
        self.is_counted.set(true);
        Ok(())
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
        // Elsewhere this would count every process of the user, ours included.
        if self.is_counted.get() { limit(Resource::Nproc, limits.threads) } else { Ok(()) }
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

/// Needs no grant.
pub(super) fn always() -> Result<(), Error> {
    set_no_new_privs(true).map_err(|errno| Error::Refused("no_new_privs", errno))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|errno| Error::Refused("not dumpable", errno))?;
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|errno| Error::Refused("a death signal", errno))
}

/// Where the machine runs out of memory, kernels end before their executor does.
pub(super) fn first_to_go() {
    // Not to be had everywhere, and no wall.
    let _refused = std::fs::write("/proc/self/oom_score_adj", "900");
}

/// Makes a user namespace where the process keeps its own number, so that files it makes have an owner.
fn make_user_namespace() -> Result<(), Error> {
    let (user, group) = (getuid().as_raw(), getgid().as_raw());
    unshare(UnshareFlags::NEWUSER, "a user namespace")?;
    write_map("/proc/self/uid_map", &format!("{user} {user} 1"))?;
    write_map("/proc/self/setgroups", "deny")?;
    write_map("/proc/self/gid_map", &format!("{group} {group} 1"))
}

fn write_map(path: &'static str, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|cause| Error::IdentityMap(path, cause))
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
