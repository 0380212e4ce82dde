//! An executor with real kernels in this process, and everything its cells talk to.

use std::{fs, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use spatialclaw_bus::{self as bus, Bus};
use spatialclaw_domain::{
    AnswerType, ArtifactRef, Budget, Fault, FaultKind, Frame, Observation, Question, SessionId,
};
use spatialclaw_executor as executor;
use spatialclaw_models::pod::{self, Endpoint, Pods};
use spatialclaw_perception as perception;
use spatialclaw_proto::kernel::v1::{
    KernelReply, KernelRequest, LeaseReply, LeaseRequest, ReleaseRequest, RunRequest, kernel_request::Op,
};
use spatialclaw_runtime::{Readiness, Service as _};
use tempfile::TempDir;

use crate::pod::FakePod;

/// Longer than anything here takes, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A bus in memory; on it the executor, perception, and a pod that counts.
pub struct House {
    /// Where everything meets.
    pub bus: Bus,
    /// The pod behind perception.
    pub pod: FakePod,
    config: executor::Config,
    readiness: Readiness,
    executor: Option<executor::Service>,
    _perception: perception::Service,
    _dir: TempDir,
}

impl House {
    /// Opens the house.
    ///
    /// # Errors
    /// If a part does not start: most often the kernel worker is not built.
    pub async fn open(config: executor::Config) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let artifacts = dir.path().join("artifacts").display().to_string();
        let bus = Bus::connect(&bus::Config { artifacts, ..bus::Config::default() }, "house").await?;
        let pod = FakePod::start().await?;
        let endpoint = Endpoint::at(format!("http://{}", pod.address()));
        let pods = Pods::connect(&pod::Config { endpoints: vec![endpoint], ..pod::Config::default() })?;
        let perception = perception::spawn(bus.clone(), pods, perception::Config::default()).await?;
        let readiness = Readiness::default();
        let mut house =
            Self { bus, pod, config, readiness, executor: None, _perception: perception, _dir: dir };
        house.open_executor().await?;
        Ok(house)
    }

    async fn open_executor(&mut self) -> anyhow::Result<()> {
        let opened = executor::spawn(self.bus.clone(), self.config.clone(), self.readiness.clone()).await;
        self.executor =
            Some(opened.context("start the executor (cargo build -p spatialclaw-kernel-worker)")?);
        Ok(())
    }

    /// Ends the executor with all its kernels, and starts another one with another template.
    ///
    /// # Errors
    /// If the new one does not start.
    pub async fn replace_executor(&mut self, deadline: Duration) -> anyhow::Result<()> {
        self.close_executor(deadline).await;
        self.open_executor().await
    }

    async fn close_executor(&mut self, deadline: Duration) {
        if let Some(executor) = self.executor.take() {
            Box::new(executor).drain(deadline).await;
        }
    }

    /// Ends the executor with all its kernels.
    pub async fn close(mut self) {
        self.close_executor(Duration::from_secs(10)).await;
    }

    /// Process id of the living template, as readiness tells it.
    pub fn template(&self) -> Option<u32> {
        let conditions = self.readiness.conditions();
        let condition = conditions.get("template").filter(|condition| condition.ready)?;
        condition.detail.split("process ").nth(1)?.split(',').next()?.parse().ok()
    }

    /// Process ids of the living kernels.
    pub fn kernels(&self) -> Vec<u32> {
        self.template().map(children).unwrap_or_default()
    }

    /// A question about `frames`, which are pictures of `size` = (width, height) pixels.
    ///
    /// # Errors
    /// If the artifact store does not take them.
    pub async fn question(&self, frames: &[Vec<u8>], size: (u32, u32)) -> anyhow::Result<Question> {
        let mut listed = Vec::new();
        for (index, png) in frames.iter().enumerate() {
            let image = self.bus.artifacts().put(Bytes::from(png.clone()), "image/png").await?;
            listed.push(frame(index as u32, image, size));
        }
        Ok(Question {
            session: SessionId::random(),
            label: "kernels".to_owned(),
            text: "What is there?".to_owned(),
            frames: listed,
            stereo: None,
            world_up: None,
            video: None,
            choices: vec![],
            answer_type: AnswerType::Text,
            unit: None,
            budget: Budget::default(),
        })
    }

    /// A kernel for `question`, as a session of its own.
    ///
    /// # Errors
    /// The executor's fault.
    pub async fn lease(&self, question: &Question) -> Result<Kernel, Fault> {
        // A session has one kernel: a second lease would end the first.
        let question = Question { session: SessionId::random(), ..question.clone() };
        let request = LeaseRequest { question: Some(question.into()), ..LeaseRequest::default() };
        let lease = self.bus.ask("executor.lease", &request, PATIENCE).await?;
        Ok(Kernel { bus: self.bus.clone(), lease, step: 0 })
    }
}

fn frame(index: u32, image: ArtifactRef, (width, height): (u32, u32)) -> Frame {
    Frame {
        index,
        image,
        width,
        height,
        time_s: None,
        intrinsics: None,
        pose: None,
        depth: None,
        instances: None,
    }
}

/// A leased kernel.
pub struct Kernel {
    bus: Bus,
    /// As the executor answered.
    pub lease: LeaseReply,
    step: u32,
}

impl Kernel {
    /// Runs a cell for at most `limit`.
    ///
    /// # Errors
    /// The executor's fault; what goes wrong inside the cell is in the observation.
    pub async fn run(&mut self, code: &str, limit: Duration) -> Result<Observation, Fault> {
        self.step += 1;
        let run = RunRequest {
            step: self.step,
            code: code.to_owned(),
            deadline_ms: u32::try_from(limit.as_millis()).unwrap_or(u32::MAX),
            shown_images_left: 100,
            tool_calls_left: u32::MAX,
            ..RunRequest::default()
        };
        let reply = self.ask(Op::Run(run), limit + PATIENCE).await?;
        Observation::try_from(reply.observation.unwrap_or_default())
            .map_err(|error| Fault::new(FaultKind::Internal, error.to_string()))
    }

    /// Gives the kernel back.
    ///
    /// # Errors
    /// If it is gone already.
    pub async fn release(self) -> Result<(), Fault> {
        self.ask(Op::Release(ReleaseRequest {}), PATIENCE).await.map(|_| ())
    }

    async fn ask(&self, op: Op, patience: Duration) -> Result<KernelReply, Fault> {
        let subject = format!("kernel.{}", self.lease.kernel);
        self.bus.ask(&subject, &KernelRequest { op: Some(op) }, patience).await
    }
}

/// Children of a process, whatever their state.
fn children(parent: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let mut rest = stat.rsplit_once(')')?.1.split_whitespace().skip(1);
    rest.next()?.parse().ok()
}
