//! The native half of a kernel: one Python interpreter in a child process, behind walls.
//!
//! CPython loads this library as `spatialclaw._host`. It holds the three things that Python cannot or should not do
//! itself:
//!
//! * [`channel`]: the frames between one kernel and its executor (`spatialclaw.kernel.v1`), descriptors included;
//! * [`walls`]: what a kernel may touch, raised in the child after the fork and before the first byte of a session
//!   is read;
//! * [`geometry`]: arithmetic over every pixel of a reconstruction.
//!
//! Everything a person would want to change in a hurry is Python (`python/spatialclaw`): the template's loop
//! (`_template.py`), the session's loop (`_session.py`), the namespace that cells see.
//!
//! # Happy path
//!
//! The executor starts `python` with the bootstrap line below; `_template.py` imports the scientific stack once,
//! compiles the walls, finds out in a throw-away child which of them hold here, and says `ready`. For every lease
//! the executor sends `fork` with one end of a socket pair. The template forks; the child closes every other
//! descriptor, raises the walls and serves one session until its socket ends.
//!
//! # Failures
//!
//! * The template cannot start: it prints why on descriptor 2 and exits without `ready`.
//! * A wall that held in the throw-away child does not hold in a real one: that child dies before `Ready`.
//! * A cell never ends, or breaks its interpreter: the executor signals through the pidfd it was given.
//! * The executor dies: its sockets end, the template exits, and the children die with it.
//!
//! # The template's control protocol, version 1
//!
//! ## Starting a template (the executor does this)
//!
//! argv, exactly:
//!
//! ```text
//! PYTHON -s -P -B -X utf8 -c BOOTSTRAP PACKAGE_DIR LIBRARY
//! ```
//!
//! * `PYTHON`      the interpreter whose site-packages hold numpy, scipy, matplotlib, pillow (e.g. `.venv/bin/python`), CPython >= 3.11
//! * `BOOTSTRAP`   exactly this one line:
//!
//! ```text
//!   import sys; sys.path.insert(0, sys.argv[1]); from spatialclaw._template import main; sys.exit(main(sys.argv[2], 3))
//! ```
//!
//! * `PACKAGE_DIR` absolute path of the directory that CONTAINS the package `spatialclaw` (the repository's `python/`)
//! * `LIBRARY`     absolute path of `libspatialclaw_kernel_worker.so`
//!
//! descriptors: 0 = /dev/null, 1 and 2 = wherever the executor wants the template's own complaints (text; no cell output ever
//! lands there), 3 = control socket (one end of an AF_UNIX SOCK_STREAM socketpair). Nothing else should be inherited.
//!
//! environment: cleared, then exactly these (nothing secret, ever):
//!
//! ```text
//! PATH=/usr/bin:/bin
//! LANG=C.UTF-8
//! HOME=TEMPLATE_HOME
//! MPLCONFIGDIR=TEMPLATE_HOME/matplotlib
//! MPLBACKEND=Agg
//! PYTHONHASHSEED=0
//! OPENBLAS_NUM_THREADS=1
//! OMP_NUM_THREADS=1
//! MKL_NUM_THREADS=1
//! ```
//!
//! `TEMPLATE_HOME`: a directory the executor creates (mode 0700) and keeps between starts, writable by the template
//! (matplotlib's font cache is built there once; the children may only read `MPLCONFIGDIR`). Working directory: TEMPLATE_HOME.
//! First start with a cold font cache or cold page cache: up to ~20 s. Warm: 1-3 s. Give `ready` a deadline of 120 s.
//!
//! ## Frames on fd 3
//!
//! Both ways: u32 little-endian length, then that many bytes of UTF-8 JSON: one object with one key, the message's name.
//! At most 65536 bytes. Unknown keys inside a known message are ignored; an unknown message is answered by `refused` with id 0.
//!
//! Template -> executor, once, first:
//!
//! ```text
//! {"ready": {"protocol": 1, "pid": 123, "python": "3.11.7", "walls": "userns+netns+ipcns+mountns+root+uid+nocaps+rlimits+landlock+seccomp+cgroup",
//!            "seconds": 2.31, "packages": {"numpy": "2.4.6", "scipy": "...", "matplotlib": "...", "pillow": "..."}}}
//! ```
//!
//! `walls`: what a child here will have, names joined by `+` in that fixed order, absent ones left out, `none` if empty.
//! A child applies exactly these or dies before its own `Ready` frame. `Ready.walls` on the session pipe repeats the string.
//!
//! If the template cannot start (import fails, wrong library) it writes the reason to fd 2 and exits non-zero without `ready`.
//!
//! Executor -> template:
//!
//! ```text
//! {"fork": {"id": 1, "session": "32 hex digits", "scratch": "/abs/dir",
//!           "limits": {"memory_bytes": 4294967296, "cpu_seconds": 3600, "file_bytes": 67108864,
//!                      "scratch_bytes": 268435456, "open_files": 256, "threads": 64, "output_chars": 4000},
//!           "workspace": "/abs/dir"}}
//! ```
//!
//! carrying exactly ONE descriptor (SCM_RIGHTS with the first byte of the frame): the child's end of an AF_UNIX SOCK_STREAM
//! socketpair, on which ToKernel / FromKernel frames of `spatialclaw.kernel.v1` then travel. The executor closes its copy of that
//! end after sending. `id` counts as the executor likes (echoed). `limits` and each key in it are optional; the numbers above are the
//! defaults. `scratch`: an existing empty directory of this session, mode 0700, made and removed by the executor; the cell's working
//! directory, HOME and TMPDIR. (With the `mountns` wall the child mounts a private tmpfs of `scratch_bytes` over it: files never
//! reach the disk and vanish with the child.)
//!
//! `output_chars`: characters kept of what one cell prints. `workspace` (optional): a directory whose regular files are copied into
//! the scratch directory, which then lies under that path too and is the working directory; it needs the `mountns` wall. Links are
//! neither copied nor followed; one that holds what kernels need is refused.
//!
//! Template -> executor, answers in order of requests:
//!
//! ```text
//! {"forked": {"id": 1, "pid": 456}}          carries exactly ONE descriptor: a pidfd of the child (SCM_RIGHTS with the first byte)
//! {"refused": {"id": 1, "reason": "…"}}      no descriptor; e.g. fork failed for lack of memory, no descriptor came with the request
//! ```
//!
//! The pidfd is opened before the child can be reaped, so it can never mean another process. Use it for everything:
//! `pidfd_send_signal(SIGINT)` = stop the running cell, `SIGKILL` = end, readable = the child is gone.
//!
//! Template -> executor, at any time between frames (the template reaps its children):
//!
//! ```text
//! {"exited": {"pid": 456, "status": 0}}      ended by itself
//! {"exited": {"pid": 456, "signal": 9}}      ended by a signal
//! ```
//!
//! ## Lives
//!
//! * A child serves one session and exits 0 when its socket is at EOF. It also dies (SIGKILL) when the template dies.
//! * The template exits 0 when fd 3 is at EOF. So an executor that dies takes template and children with it.
//! * The template ignores SIGINT and dies of SIGTERM.
//!
//! ## The session pipe (ToKernel / FromKernel), beyond what kernel.proto says
//!
//! * Frame limits: ToKernel 16 MiB, FromKernel 32 MiB. A longer one is a protocol error: close the pipe.
//! * Order: host sends `Open`; child answers `Ready` (walls already applied). Before `Ready` the child may die; read its `exited`.
//! * SIGINT while a cell runs -> KeyboardInterrupt in the cell -> `Done` with error kind "KeyboardInterrupt"; variables stay.
//!   SIGINT while no cell runs is ignored. A cell may swallow it: SIGKILL after the grace.
//! * A `Call` interrupted by SIGINT is abandoned: its `Reply` may still be sent and is dropped by its number (descriptor closed).
//! * `Done.stdout` <= ~4.1k characters, `stderr` <= 500 characters, traceback <= 4k characters, at most 200 variables in a report.
//! * A blob's memfd should be sealed (F_SEAL_WRITE|SHRINK|GROW|SEAL); the child maps it MAP_PRIVATE and refuses one whose size is not `blob_bytes`.
//! * Cells are text of ours to distrust: `Show`, `SubmitAnswer` and `Call` are bounded by the executor's budgets, not by the child.

mod channel;
mod frame;
mod geometry;
mod seccomp;
mod walls;

use pyo3::prelude::*;

/// The module that Python imports as `spatialclaw._host`.
#[pymodule]
mod _host {
    #[pymodule_export]
    use super::channel::{Channel, Input, Opening, Work};
    #[pymodule_export]
    use super::geometry::{fit_plane, lift, outline, pick, resize, transform};
    #[pymodule_export]
    use super::walls::Walls;
}
