//! Which system calls a cell's process may make.
//!
//! An allow-list: what numpy, scipy, matplotlib, Pillow, threads and the session's own pipe need. Everything else
//! answers `EPERM`, which Python turns into a readable `PermissionError`. Five programs stack; a refusal wins over an
//! allowance, and of two refusals the one installed later:
//!
//! 1. the allow-list, with conditions on arguments where a call does both honest and dishonest work;
//! 2. `clone3` answers `ENOSYS`, so that the C library falls back to `clone`, whose flags can be looked at;
//! 3. changes of modes and times are pretended: honest library code (`shutil.copy`) makes them, and Landlock does not
//!    look at them;
//! 4. extended attributes answer `EOPNOTSUPP`, as on a file system without them;
//! 5. signals go to the process itself only (its number is known only after the fork, so this one is built there).

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

/// Why no filter could be made or installed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// This processor is unknown to the compiler of filters.
    #[error("no system call filter for this processor")]
    Architecture(#[source] seccompiler::BackendError),
    /// The rules do not compile.
    #[error("the system call rules do not compile")]
    Compile(#[source] seccompiler::BackendError),
    /// The kernel refused the filter.
    #[error("the kernel refused the system call filter")]
    Install(#[source] seccompiler::Error),
}

/// The programs that are the same for every child, compiled once in the template.
#[derive(Debug)]
pub(crate) struct Filters {
    allowed: BpfProgram,
    answered: [BpfProgram; 3],
}

impl Filters {
    /// Compiles the rules for this processor.
    ///
    /// # Errors
    /// Only on a processor that the filter compiler does not know.
    pub(crate) fn compile() -> Result<Self, Error> {
        Ok(Self {
            allowed: program(allowed(), refuse(libc::EPERM), SeccompAction::Allow)?,
            answered: [
                answered(&[libc::SYS_clone3], libc::ENOSYS)?,
                answered(&pretended(), 0)?,
                answered(ATTRIBUTES, libc::EOPNOTSUPP)?,
            ],
        })
    }

    /// Installs everything in the calling thread, for ever.
    ///
    /// # Errors
    /// The kernel has no seccomp, or refuses the filter.
    pub(crate) fn install(&self) -> Result<(), Error> {
        let own = program(signals_to_others(), SeccompAction::Allow, refuse(libc::EPERM))?;
        // The allow-list comes last: under it no further filter could be installed.
        for filter in [&own].into_iter().chain(&self.answered).chain([&self.allowed]) {
            apply_filter(filter).map_err(Error::Install)?;
        }
        Ok(())
    }
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn program(rules: Rules, otherwise: SeccompAction, matched: SeccompAction) -> Result<BpfProgram, Error> {
    let arch: TargetArch = std::env::consts::ARCH.try_into().map_err(Error::Architecture)?;
    let filter = SeccompFilter::new(rules, otherwise, matched, arch).map_err(Error::Compile)?;
    filter.try_into().map_err(Error::Compile)
}

/// A program that answers `calls` with `errno`; they must be on the allow-list too.
fn answered(calls: &[i64], errno: i32) -> Result<BpfProgram, Error> {
    let rules = calls.iter().map(|number| (*number, Vec::new())).collect();
    program(rules, SeccompAction::Allow, refuse(errno))
}

fn refuse(errno: i32) -> SeccompAction {
    SeccompAction::Errno(errno as u32)
}

fn allowed() -> Rules {
    let pretended = pretended();
    let always = ALWAYS.iter().chain(ALWAYS_HERE).chain(&pretended).chain(ATTRIBUTES);
    always.map(|number| (*number, Vec::new())).chain(conditional()).collect()
}

/// Calls that succeed without doing anything.
fn pretended() -> Vec<i64> {
    [PRETENDED, PRETENDED_HERE].concat()
}

/// Modes and times of files.
const PRETENDED: &[i64] = &[libc::SYS_fchmod, libc::SYS_fchmodat, libc::SYS_fchmodat2, libc::SYS_utimensat];
#[cfg(target_arch = "x86_64")]
const PRETENDED_HERE: &[i64] = &[libc::SYS_chmod, libc::SYS_utime, libc::SYS_utimes, libc::SYS_futimesat];
#[cfg(not(target_arch = "x86_64"))]
const PRETENDED_HERE: &[i64] = &[];

/// Extended attributes.
const ATTRIBUTES: &[i64] = &[
    libc::SYS_getxattr,
    libc::SYS_lgetxattr,
    libc::SYS_fgetxattr,
    libc::SYS_listxattr,
    libc::SYS_llistxattr,
    libc::SYS_flistxattr,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
];

/// Calls that are harmless whatever their arguments, given the other walls: files are Landlock's business.
const ALWAYS: &[i64] = &[
    // files
    libc::SYS_openat,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_preadv,
    libc::SYS_pwritev,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    libc::SYS_chdir,
    libc::SYS_fchdir,
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_ftruncate,
    libc::SYS_truncate,
    libc::SYS_fallocate,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fadvise64,
    libc::SYS_copy_file_range,
    libc::SYS_sendfile,
    libc::SYS_umask,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_pipe2,
    // the session's own socket; no other can be made
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_shutdown,
    libc::SYS_getsockopt,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    // waiting
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_restart_syscall,
    // memory
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_msync,
    libc::SYS_membarrier,
    // threads
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_get_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_sched_get_priority_max,
    libc::SYS_sched_get_priority_min,
    libc::SYS_getcpu,
    libc::SYS_clone3,
    // signals to itself; the third program sees to that
    libc::SYS_kill,
    libc::SYS_tgkill,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_rt_sigsuspend,
    libc::SYS_sigaltstack,
    libc::SYS_setitimer,
    libc::SYS_getitimer,
    // asking about oneself and the clock
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getresuid,
    libc::SYS_getresgid,
    libc::SYS_getgroups,
    libc::SYS_getpgid,
    libc::SYS_getsid,
    libc::SYS_getpriority,
    libc::SYS_getrusage,
    libc::SYS_getrlimit,
    libc::SYS_times,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_wait4,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// The older names of the same calls, which only this processor has.
#[cfg(target_arch = "x86_64")]
const ALWAYS_HERE: &[i64] = &[
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_getdents,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_creat,
    libc::SYS_dup2,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_epoll_wait,
    libc::SYS_epoll_create,
    libc::SYS_arch_prctl,
    libc::SYS_alarm,
    libc::SYS_pause,
    libc::SYS_getpgrp,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const ALWAYS_HERE: &[i64] = &[];

/// Calls that are allowed with some arguments only.
fn conditional() -> Vec<(i64, Vec<SeccompRule>)> {
    vec![
        // Threads, not processes.
        (libc::SYS_clone, vec![when(&[flag(0, libc::CLONE_THREAD as u64)])]),
        // To the other end of a pair. `sendmsg` is left out: it could send descriptors, and those in flight are
        // counted for the whole user.
        (libc::SYS_sendto, vec![when(&[whole(4, 0)])]),
        // A pair talks to itself. Not datagrams: those could be sent to a name.
        (
            libc::SYS_socketpair,
            vec![when(&[equals(0, libc::AF_UNIX as u64), masked(1, 0xf, libc::SOCK_STREAM as u64)])],
        ),
        // Reading one's own limits.
        (libc::SYS_prlimit64, vec![when(&[equals(0, 0), whole(2, 0)])]),
        (libc::SYS_prctl, any_of(0, &[libc::PR_SET_NAME, libc::PR_GET_NAME, libc::PR_GET_DUMPABLE])),
        // Duplicating, flags, locks; not leases, directory notices or signal owners.
        (libc::SYS_fcntl, any_of(1, FCNTL)),
        // Is it a terminal, how large is it, how much is there to read.
        (libc::SYS_ioctl, any_of(1, IOCTL)),
    ]
}

const FCNTL: &[i32] = &[
    libc::F_DUPFD,
    libc::F_DUPFD_CLOEXEC,
    libc::F_GETFD,
    libc::F_SETFD,
    libc::F_GETFL,
    libc::F_SETFL,
    libc::F_GETLK,
    libc::F_SETLK,
    libc::F_SETLKW,
    libc::F_OFD_GETLK,
    libc::F_OFD_SETLK,
    libc::F_OFD_SETLKW,
    libc::F_GET_SEALS,
];

const IOCTL: &[i32] = &[
    libc::TCGETS as i32,
    libc::TIOCGWINSZ as i32,
    libc::FIONREAD as i32,
    libc::FIONBIO as i32,
    libc::FIOCLEX as i32,
    libc::FIONCLEX as i32,
];

fn signals_to_others() -> Rules {
    let own = u64::from(std::process::id());
    let elsewhere = || vec![when(&[condition(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, own)])];
    BTreeMap::from([(libc::SYS_kill, elsewhere()), (libc::SYS_tgkill, elsewhere())])
}

fn any_of(argument: u8, values: &[i32]) -> Vec<SeccompRule> {
    values.iter().map(|value| when(&[equals(argument, u64::from(*value as u32))])).collect()
}

fn equals(argument: u8, value: u64) -> SeccompCondition {
    condition(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn whole(argument: u8, value: u64) -> SeccompCondition {
    condition(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, value)
}

fn masked(argument: u8, mask: u64, value: u64) -> SeccompCondition {
    condition(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
}

fn flag(argument: u8, bit: u64) -> SeccompCondition {
    masked(argument, bit, bit)
}

#[expect(clippy::expect_used, reason = "both fail only for an argument number above 5 or an empty rule")]
fn condition(argument: u8, width: SeccompCmpArgLen, op: SeccompCmpOp, value: u64) -> SeccompCondition {
    SeccompCondition::new(argument, width, op, value).expect("argument numbers are written above")
}

#[expect(clippy::expect_used, reason = "see `condition`")]
fn when(conditions: &[SeccompCondition]) -> SeccompRule {
    SeccompRule::new(conditions.to_vec()).expect("every rule above has a condition")
}
