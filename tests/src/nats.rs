//! A NATS server with JetStream of one's own: free port, store in a temporary folder, killed on drop.

use std::{env, path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, Command},
};

const START: Duration = Duration::from_secs(30);

/// A running server, or one that was killed and waits to be started again.
pub struct NatsServer {
    store: TempDir,
    port: u16,
    /// More than the usual arguments.
    more: Vec<String>,
    child: Option<Child>,
}

impl NatsServer {
    /// Starts a server and waits until it says that it is ready.
    ///
    /// # Errors
    /// If the binary is missing, or the server is not ready in time.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(&[]).await
    }

    /// Starts a server with more than the usual arguments, e.g. `--user`.
    ///
    /// # Errors
    /// As [`NatsServer::start`].
    pub async fn start_with(more: &[&str]) -> anyhow::Result<Self> {
        let more = more.iter().map(|&arg| arg.to_owned()).collect();
        let mut server = Self { store: tempfile::tempdir()?, port: 0, more, child: None };
        server.start_again().await?;
        Ok(server)
    }

    /// For clients.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// As `kill -9` does; the store stays.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.kill().await.context("kill nats-server")
    }

    /// Starts a killed server again with its port and its store.
    ///
    /// # Errors
    /// As [`NatsServer::start`].
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        // The server takes -1 for a free port, which cannot be lost to somebody else between asking and binding.
        let port = if self.port == 0 { "-1".to_owned() } else { self.port.to_string() };
        let binary = binary();
        let mut child = Command::new(&binary)
            .args(["--addr", "127.0.0.1", "--port", &port, "--jetstream", "--store_dir"])
            .arg(self.store.path())
            .args(&self.more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| {
                format!("start {}: set SPATIALCLAW_NATS_SERVER to a nats-server", binary.display())
            })?;
        let stderr = child.stderr.take().context("nats-server has no stderr")?;
        let mut log = BufReader::new(stderr).lines();
        self.port = tokio::time::timeout(START, ready(&mut log))
            .await
            .context("nats-server is not ready in time")??;
        // Read on, so that a full pipe never holds the server up.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        self.child = Some(child);
        Ok(())
    }
}

/// Reads the log until the server is ready; the port it listens on.
async fn ready(log: &mut Lines<BufReader<ChildStderr>>) -> anyhow::Result<u16> {
    let (mut port, mut seen) = (None, String::new());
    while let Some(line) = log.next_line().await? {
        if let Some((_, address)) = line.split_once("Listening for client connections on ") {
            let digits = address.rsplit(':').next().context("an address without a port")?;
            port = Some(digits.trim().parse().with_context(|| format!("port in `{line}`"))?);
        }
        if let (true, Some(port)) = (line.contains("Server is ready"), port) {
            return Ok(port);
        }
        seen.push_str(&line);
        seen.push('\n');
    }
    bail!("nats-server ended before it was ready:\n{seen}")
}

/// From the environment, else this repository's virtual environment, else the path.
fn binary() -> PathBuf {
    if let Some(named) = env::var_os("SPATIALCLAW_NATS_SERVER") {
        return named.into();
    }
    let ours = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/nats-server");
    if ours.exists() { ours } else { "nats-server".into() }
}
