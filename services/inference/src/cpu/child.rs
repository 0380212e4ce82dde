//! One life of the child process, and what is said to it.

use std::{
    ffi::OsString,
    os::{fd::OwnedFd, unix::net::UnixStream as StdStream},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    process::Command,
};

use super::scripts::Scripts;
use crate::Config;

const MAX_HEADER: usize = 8 << 20;
/// Most bytes of one answer's blobs.
const MAX_BLOBS: u64 = 512 << 20;
/// What the child may know of our environment: where the dynamic linker looks.
const PASSED_ON: [&str; 1] = ["LD_LIBRARY_PATH"];

/// A request or an answer.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) header: Value,
    pub(super) blobs: Vec<Bytes>,
}

/// How to start a child.
#[derive(Debug)]
pub(super) struct Launch {
    python: PathBuf,
    models: PathBuf,
    threads: usize,
    deadline: Duration,
    scripts: Scripts,
}

impl Launch {
    pub(super) fn new(config: &Config, scripts: Scripts) -> Self {
        Self {
            python: config.python.clone(),
            models: config.models.clone(),
            threads: config.threads,
            deadline: config.start_deadline,
            scripts,
        }
    }

    /// Starts a child and waits for its first word.
    pub(super) async fn start(&self) -> anyhow::Result<Child> {
        let (ours, theirs) = StdStream::pair().context("make a socket pair")?;
        let process = self.command(theirs.into()).spawn();
        let process = process.with_context(|| {
            let python = self.python.display();
            format!("start {python} (inference.python); `cargo xtask setup` makes the environment")
        })?;
        ours.set_nonblocking(true)?;
        let mut child = Child { socket: UnixStream::from_std(ours)?, process };
        let hello = tokio::time::timeout(self.deadline, child.receive()).await;
        let hello = hello.with_context(|| format!("no word from it within {:?}", self.deadline))?;
        let hello = hello.context("it ended before it was ready; its own words are on stderr")?;
        let problems = hello.header["problems"].as_array().map_or(0, Vec::len);
        let opencv = hello.header["hello"].as_str().context("its first word is no hello")?;
        tracing::info!(opencv, pid = child.pid(), problems, "the cpu engine is up");
        Ok(child)
    }

    /// The detail that readiness gives.
    pub(super) fn missing(&self) -> Option<String> {
        let absent = ["detector.pb", "saliency.onnx"].iter().any(|name| !self.models.join(name).is_file());
        let models = self.models.display();
        absent.then(|| format!("stereo and points only: no model files in {models} (inference.models)"))
    }

    fn command(&self, socket: OwnedFd) -> Command {
        let mut command = Command::new(&self.python);
        command
            .args(["-B", "-E", "-s"])
            .arg(self.scripts.main())
            .arg(&self.models)
            .arg(self.threads.max(1).to_string())
            .env_clear()
            .envs(PASSED_ON.iter().filter_map(|&name| Some((OsString::from(name), std::env::var_os(name)?))))
            .env("OMP_NUM_THREADS", self.threads.max(1).to_string())
            .stdin(Stdio::from(socket))
            .stdout(Stdio::null())
            .kill_on_drop(true);
        command
    }
}

/// A running child; killed when dropped.
#[derive(Debug)]
pub(super) struct Child {
    socket: UnixStream,
    process: tokio::process::Child,
}

impl Child {
    /// Sends a request and waits for its answer. A child whose exchange failed, or was given up, is of no more use.
    pub(super) async fn exchange(&mut self, request: &Message) -> anyhow::Result<Message> {
        self.send(request).await.context("send it a request")?;
        self.receive().await.context("read its answer")
    }

    /// Its process id; 0 once it has ended.
    pub(super) fn pid(&self) -> u32 {
        self.process.id().unwrap_or_default()
    }

    /// Resolves when the process has ended.
    pub(super) async fn ended(&mut self) -> String {
        match self.process.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    async fn send(&mut self, message: &Message) -> anyhow::Result<()> {
        let mut header = message.header.clone();
        header["blobs"] = message.blobs.iter().map(Bytes::len).collect::<Vec<_>>().into();
        let text = serde_json::to_vec(&header)?;
        self.socket.write_all(&u32::try_from(text.len())?.to_le_bytes()).await?;
        self.socket.write_all(&text).await?;
        for blob in &message.blobs {
            self.socket.write_all(blob).await?;
        }
        Ok(())
    }

    async fn receive(&mut self) -> anyhow::Result<Message> {
        let length = self.socket.read_u32_le().await? as usize;
        if length > MAX_HEADER {
            bail!("a header of {length} bytes");
        }
        let mut text = vec![0; length];
        self.socket.read_exact(&mut text).await?;
        let header: Value = serde_json::from_slice(&text)?;
        let sizes: Vec<u64> = serde_json::from_value(header["blobs"].clone()).context("its list of blobs")?;
        if sizes.iter().fold(0, |sum: u64, &size| sum.saturating_add(size)) > MAX_BLOBS {
            bail!("blobs of more than {MAX_BLOBS} bytes");
        }
        let mut blobs = Vec::with_capacity(sizes.len());
        for size in sizes {
            let mut blob = vec![0; size as usize];
            self.socket.read_exact(&mut blob).await?;
            blobs.push(blob.into());
        }
        Ok(Message { header, blobs })
    }
}
