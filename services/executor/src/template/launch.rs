//! Starting the template process.

use std::{
    io,
    os::fd::{AsRawFd as _, OwnedFd, RawFd},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::AsyncReadExt as _,
    net::unix::pipe as unix_pipe,
    process::{Child, Command},
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;

use super::protocol::{FRAME_LIMIT, FromTemplate, Ready, VERSION};
use crate::{find::Found, pipe};

/// The one line that the interpreter runs; its arguments are the package directory and the library.
const BOOTSTRAP: &str = "import sys; sys.path.insert(0, sys.argv[1]); from spatialclaw._template import main; \
                         sys.exit(main(sys.argv[2], 3))";
/// Where the template expects its control socket.
const CONTROL: RawFd = 3;
/// Of what the template complained, this much is kept for the error.
const TAIL: usize = 4 << 10;

/// Everything a start needs.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) found: Found,
    pub(crate) home: PathBuf,
    pub(crate) min_walls: Vec<String>,
    pub(crate) deadline: Duration,
}

/// No template.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot start {}", python.display())]
    Start {
        python: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("the template ended before it was ready ({status}); it said: {said}")]
    Ended { status: String, said: String },
    #[error("the template was not ready within {deadline:?} (executor.template_deadline); it said: {said}")]
    Slow { deadline: Duration, said: String },
    #[error("the template said something unreadable instead of `ready`: {0}")]
    Unreadable(String),
    #[error(
        "the package speaks version {0} of the template's protocol, this executor version {VERSION}; \
         deploy the package and the executor of one release"
    )]
    Version(u32),
    #[error(
        "this machine grants kernels only the walls `{granted}`; missing: {missing}. Enable them (Landlock needs \
         Linux 5.13 or newer, namespaces need user.max_user_namespaces > 0 and a container that allows them), \
         or accept less in executor.min_walls"
    )]
    Walls { granted: String, missing: String },
}

/// A template that is ready.
pub(super) struct Launched {
    pub(super) process: Child,
    pub(super) reader: pipe::Reader,
    pub(super) writer: pipe::Writer,
    pub(super) log: AbortOnDropHandle<()>,
}

/// Starts the process and waits until it is ready behind enough walls.
pub(super) async fn start(site: &Site) -> Result<(Ready, Launched), Error> {
    let failed = |cause| Error::Start { python: site.found.python.clone(), cause };
    let (mut launched, said) = launch(site).map_err(failed)?;
    let ready = match timeout(site.deadline, launched.reader.next()).await {
        Ok(Ok(frame)) => read(&frame.body)?,
        Ok(Err(_)) => return Err(ended(launched, &said).await),
        Err(_) => return Err(Error::Slow { deadline: site.deadline, said: said.text() }),
    };
    check(&ready, &site.min_walls)?;
    Ok((ready, launched))
}

fn read(body: &[u8]) -> Result<Ready, Error> {
    match serde_json::from_slice(body) {
        Ok(FromTemplate::Ready(ready)) => Ok(ready),
        Ok(other) => Err(Error::Unreadable(format!("{other:?}"))),
        Err(error) => Err(Error::Unreadable(error.to_string())),
    }
}

fn check(ready: &Ready, min_walls: &[String]) -> Result<(), Error> {
    if ready.protocol != VERSION {
        return Err(Error::Version(ready.protocol));
    }
    let stands = |wall: &&String| ready.walls.split('+').any(|name| name == wall.as_str());
    let missing: Vec<_> = min_walls.iter().filter(|wall| !stands(wall)).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::Walls { granted: ready.walls.clone(), missing: missing.join(", ") })
}

async fn ended(mut launched: Launched, said: &Said) -> Error {
    let wait = Duration::from_secs(1);
    let status = timeout(wait, launched.process.wait()).await;
    // Its last words may still be in the pipe.
    let _end = timeout(wait, launched.log).await;
    let status = match status {
        Ok(Ok(status)) => ExitStatus::to_string(&status),
        _ => "its control socket is closed".to_owned(),
    };
    Error::Ended { status, said: said.text() }
}

fn launch(site: &Site) -> io::Result<(Launched, Said)> {
    let (reader, writer, control) = pipe::pair(FRAME_LIMIT)?;
    let (complaints, theirs) = io::pipe()?;
    let mut command = Command::new(&site.found.python);
    // As isolated as `-I`, which would not let the environment fix how strings hash.
    command.args(["-s", "-P", "-B", "-X", "utf8", "-c", BOOTSTRAP]);
    command.arg(&site.found.package).arg(&site.found.library);
    environment(&mut command, site);
    command.stdin(Stdio::null()).stdout(theirs.try_clone()?).stderr(theirs).kill_on_drop(true);
    // A Ctrl-C at the terminal is ours to answer.
    command.process_group(0);
    hand_over(&mut command, &control);
    let process = command.spawn()?;
    // The command holds our copies of what the child writes to.
    drop((command, control));
    let said = Said::default();
    let complaints = unix_pipe::Receiver::from_owned_fd(OwnedFd::from(complaints))?;
    let log = AbortOnDropHandle::new(tokio::spawn(said.clone().collect(complaints)));
    Ok((Launched { process, reader, writer, log }, said))
}

/// Nothing of ours reaches a kernel: the environment is empty but for this.
fn environment(command: &mut Command, site: &Site) {
    command.env_clear().current_dir(&site.home);
    command.env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8").env("HOME", &site.home);
    command.env("MPLCONFIGDIR", site.home.join("matplotlib")).env("MPLBACKEND", "Agg");
    // A set's order is part of a session's state; it must come back after any restart.
    command.env("PYTHONHASHSEED", "0");
    for library in ["OPENBLAS", "OMP", "MKL"] {
        command.env(format!("{library}_NUM_THREADS"), "1");
    }
}

/// The child gets `control` as descriptor 3 and nothing above it.
#[expect(unsafe_code, reason = "std offers no other way to pass a descriptor under a number")]
fn hand_over(command: &mut Command, control: &OwnedFd) {
    let control = control.as_raw_fd();
    let place = move || {
        // SAFETY: plain system calls on numbers; async-signal-safe, no allocation, no locks.
        let placed = unsafe {
            if control == CONTROL {
                // Duplicating onto itself would leave close-on-exec set.
                libc::fcntl(CONTROL, libc::F_SETFD, 0)
            } else {
                libc::dup2(control, CONTROL)
            }
        };
        if placed < 0 {
            return Err(io::Error::last_os_error());
        }
        // Close-on-exec, not closed: std reports a failed exec through a descriptor of its own. Best effort: what
        // we open is close-on-exec already; this is for what others in the process opened.
        // SAFETY: as above.
        unsafe { libc::close_range(4, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC as libc::c_int) };
        Ok(())
    };
    // SAFETY: `place` only makes async-signal-safe system calls.
    unsafe { command.pre_exec(place) };
}

/// What the template complained about, lately.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<String>>);

impl Said {
    /// Logs what comes and keeps the end of it.
    async fn collect(self, mut complaints: unix_pipe::Receiver) {
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = complaints.read(&mut chunk).await {
            let text = String::from_utf8_lossy(&chunk[..count]);
            tracing::warn!(said = %text.trim_end(), "the template complains");
            self.keep(&text);
        }
    }

    fn keep(&self, text: &str) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.push_str(text);
        let surplus = said.len().saturating_sub(TAIL);
        let start = (surplus..said.len()).find(|start| said.is_char_boundary(*start));
        said.drain(..start.unwrap_or(0));
    }

    fn text(&self) -> String {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.trim().is_empty() { "nothing".to_owned() } else { said.trim().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(protocol: u32, walls: &str) -> Ready {
        let text = format!(
            r#"{{"ready": {{"protocol": {protocol}, "pid": 1, "python": "3.11", "walls": "{walls}", "seconds": 1}}}}"#
        );
        read(text.as_bytes()).unwrap()
    }

    #[test]
    fn too_few_walls_are_refused_by_name() {
        let wanted = ["landlock", "seccomp"].map(str::to_owned);
        check(&ready(1, "rlimits+landlock+seccomp"), &wanted).unwrap();
        let error = check(&ready(1, "rlimits+seccomp"), &wanted).unwrap_err().to_string();
        assert!(error.contains("missing: landlock."), "{error}");
        assert!(check(&ready(1, "none"), &[]).is_ok());
        assert!(matches!(check(&ready(2, "rlimits"), &[]), Err(Error::Version(2))));
    }

    #[test]
    fn only_the_end_of_long_complaints_is_kept() {
        let said = Said::default();
        said.keep(&"ü".repeat(TAIL));
        said.keep("the end");
        assert!(said.text().len() <= TAIL && said.text().ends_with("the end"));
    }
}
