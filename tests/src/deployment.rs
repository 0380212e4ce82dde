//! SpatialClaw as a user meets it: HTTP in front, and behind it either one process or one process per service.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;

use crate::nats::NatsServer;

/// How long a process may take from its start to its ready file. The first kernel template builds a font cache.
const READY: Duration = Duration::from_secs(180);

/// What is deployed, in the order of starting. `sensor` and `cpu` are inference pods.
pub const ROLES: [&str; 7] = ["sensor", "cpu", "perception", "executor", "codegen", "planner", "gateway"];

/// The two ways to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All actors in one process, on the embedded bus.
    Embedded,
    /// One process per service, over a real nats-server.
    Deployed,
}

/// What a test wants of a deployment.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `section.key=value` for every process.
    pub sets: Vec<String>,
    /// Where spans go.
    pub otlp: Option<SocketAddr>,
}

/// Running processes; all of them are killed on drop.
pub struct Deployment {
    mode: Mode,
    options: Options,
    nats: Option<NatsServer>,
    processes: BTreeMap<&'static str, Process>,
    dir: TempDir,
}

struct Process {
    child: Child,
    addresses: BTreeMap<String, SocketAddr>,
    log: PathBuf,
}

impl Deployment {
    /// Starts everything and waits until it is ready.
    ///
    /// # Errors
    /// If a process does not become ready; its log is in the error.
    pub async fn start(mode: Mode, options: Options) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let nats = match mode {
            Mode::Embedded => None,
            Mode::Deployed => Some(NatsServer::start().await?),
        };
        let mut it = Self { mode, options, nats, processes: BTreeMap::new(), dir };
        match mode {
            Mode::Embedded => it.start_process("embedded").await?,
            Mode::Deployed => {
                for role in ROLES {
                    it.start_process(role).await?;
                }
            }
        }
        Ok(it)
    }

    /// Where HTTP listens.
    pub fn http(&self) -> SocketAddr {
        let front = match self.mode {
            Mode::Embedded => "embedded",
            Mode::Deployed => "gateway",
        };
        self.processes[front].addresses["http"]
    }

    /// The process id of a role.
    pub fn pid(&self, role: &str) -> u32 {
        self.processes[role].child.id()
    }

    /// Ends a role with SIGKILL and waits until it is gone.
    ///
    /// # Errors
    /// If there is no such process.
    pub fn kill(&mut self, role: &'static str) -> anyhow::Result<()> {
        let mut process = self.processes.remove(role).with_context(|| format!("no {role} runs"))?;
        process.child.kill()?;
        process.child.wait()?;
        Ok(())
    }

    /// Asks a role to end with SIGTERM and waits until it has.
    ///
    /// # Errors
    /// If it is not gone within the deadline, or did not leave with success.
    pub fn terminate(&mut self, role: &'static str, deadline: Duration) -> anyhow::Result<()> {
        let mut process = self.processes.remove(role).with_context(|| format!("no {role} runs"))?;
        let pid = process.child.id().to_string();
        ensure!(Command::new("kill").args(["-TERM", &pid]).status()?.success(), "kill -TERM {pid} failed");
        let ends = Instant::now() + deadline;
        while Instant::now() < ends {
            if let Some(status) = process.child.try_wait()? {
                ensure!(status.success(), "{role} left with {status}");
                return Ok(());
            }
            pause();
        }
        process.child.kill()?;
        process.child.wait()?;
        bail!("{role} was still there {deadline:?} after SIGTERM")
    }

    /// Starts a role and waits until it is ready.
    ///
    /// # Errors
    /// If it does not become ready; its log is in the error.
    pub async fn start_process(&mut self, role: &'static str) -> anyhow::Result<()> {
        let ready = self.dir.path().join(format!("{role}.ready"));
        let _ = fs::remove_file(&ready);
        let log = self.dir.path().join(format!("{role}.log"));
        let mut command = self.command(role);
        for set in self.sets(role, &ready) {
            command.arg("--set").arg(set);
        }
        let child = command
            .current_dir(root())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::options().create(true).append(true).open(&log)?)
            .spawn()
            .with_context(|| format!("start {role}: run `cargo build --workspace` first"))?;
        let mut process = Process { child, addresses: BTreeMap::new(), log };
        process.addresses = tokio::task::block_in_place(|| process.wait_ready(role, &ready))?;
        self.processes.insert(role, process);
        Ok(())
    }

    fn command(&self, role: &str) -> Command {
        if role == "embedded" {
            let mut command = Command::new(binary("spatialclaw"));
            command.arg("serve");
            return command;
        }
        let name = if is_pod(role) { "inference" } else { role };
        Command::new(binary(&format!("spatialclaw-{name}")))
    }

    fn sets(&self, role: &str, ready: &Path) -> Vec<String> {
        let mut sets = vec![format!("process.ready_file={}", ready.display()), "process.log=info".to_owned()];
        if let Some(otlp) = self.options.otlp {
            sets.push(format!("process.otlp_endpoint=http://{otlp}"));
        }
        if !is_pod(role) {
            sets.push(format!("bus.artifacts={}", self.dir.path().join("artifacts").display()));
            match &self.nats {
                Some(nats) => sets.extend([format!("bus.nats={}", nats.url()), "bus.ack_wait=3s".to_owned()]),
                None => sets.push(format!("bus.path={}", self.dir.path().join("state").display())),
            }
        }
        match role {
            "gateway" | "embedded" => sets.push("gateway.listen=127.0.0.1:0".to_owned()),
            "sensor" | "cpu" => {
                sets.extend([format!("inference.engine={role}"), "inference.listen=127.0.0.1:0".to_owned()]);
            }
            "perception" => {
                let pods = ["sensor", "cpu"].map(|pod| self.processes[pod].addresses["grpc"]);
                let urls = pods.map(|pod| format!("{{url=\"http://{pod}\"}}"));
                sets.push(format!("pods.endpoints=[{}]", urls.join(",")));
            }
            _ => {}
        }
        sets.extend(self.options.sets.iter().filter(|set| belongs(set, role)).cloned());
        sets
    }
}

/// Sections that a role does not have are skipped by it anyway; the pod knows no bus.
fn belongs(set: &str, role: &str) -> bool {
    !(is_pod(role) && set.starts_with("bus."))
}

fn is_pod(role: &str) -> bool {
    matches!(role, "sensor" | "cpu")
}

impl Process {
    fn wait_ready(&mut self, role: &str, ready: &Path) -> anyhow::Result<BTreeMap<String, SocketAddr>> {
        let ends = Instant::now() + READY;
        while Instant::now() < ends {
            if let Ok(text) = fs::read(ready) {
                return serde_json::from_slice(&text).context("read the ready file");
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{role} ended with {status} before it was ready:\n{}", self.tail());
            }
            pause();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        bail!("{role} was not ready within {READY:?}:\n{}", self.tail())
    }

    /// The end of its log.
    fn tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        for (role, process) in &mut self.processes {
            let _ = process.child.kill();
            let _ = process.child.wait();
            if std::thread::panicking() {
                eprintln!("---- {role}\n{}", process.tail());
            }
        }
    }
}

/// Between two looks at something another process does.
#[expect(clippy::disallowed_methods, reason = "there is nothing to wait on in another process but its file")]
fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}

/// The repository's folder.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A binary of this workspace, built beside the test that asks.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    let profile = test.ancestors().nth(2).unwrap_or(Path::new("target/debug"));
    profile.join(name)
}
