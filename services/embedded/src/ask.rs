//! `spatialclaw ask`: one question, answered here and now.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use spatialclaw_domain::SessionId;
use spatialclaw_gateway::{Gateway, QuestionResult, Status};
use spatialclaw_ingest as ingest;
use spatialclaw_runtime::{Readiness, Service as _};

use crate::{Embedded, Settings, cli::Configured, live::Live};

/// Answer one question.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The question; left out when `--manifest` brings it
    #[arg(required_unless_present = "manifest")]
    question: Option<String>,
    /// A picture; may be repeated, in order
    #[arg(long, value_name = "FILE", conflicts_with_all = ["video", "manifest"])]
    image: Vec<PathBuf>,
    /// A video instead of pictures
    #[arg(long, value_name = "FILE", conflicts_with = "manifest")]
    video: Option<PathBuf>,
    /// Take pictures, measurements and question from a row of this manifest
    #[arg(long, value_name = "FILE", requires = "id")]
    manifest: Option<PathBuf>,
    /// Which row
    #[arg(long, requires = "manifest")]
    id: Option<String>,
    /// An option of a multiple-choice question; may be repeated
    #[arg(long = "option", value_name = "TEXT")]
    options: Vec<String>,
    /// What counts as an answer
    #[arg(long, value_parser = ["text", "number", "integer", "yes_no", "choice"])]
    answer_type: Option<String>,
    /// Unit the answer is wanted in, e.g. m
    #[arg(long)]
    unit: Option<String>,
    /// Print one JSON object on stdout, and nothing else there
    #[arg(long)]
    json: bool,
    /// Where the report goes
    #[arg(long, value_name = "DIR", default_value = "spatialclaw-out")]
    out: PathBuf,
    #[command(flatten)]
    pub(crate) configured: Configured,
}

pub(crate) async fn ask(args: Args, mut settings: Settings) -> anyhow::Result<ExitCode> {
    let scratch = tempfile::tempdir().context("make a folder for the question's pictures")?;
    if settings.bus.nats.is_none() {
        settings.bus.path = None;
        settings.bus.artifacts = scratch.path().join("artifacts").display().to_string();
    }
    let (row, source) = args.row(&settings.ingest)?;
    let live = Live::new();
    let mut cluster = Embedded::start(&settings, &Readiness::default()).await?;
    let gateway = cluster.gateway().clone();
    let outcome = tokio::select! {
        outcome = answer(&gateway, &row, source.as_ref(), &settings.ingest, &live) => outcome,
        error = cluster.failed() => Err(error),
    };
    live.done();
    let outcome = match outcome {
        Ok(result) => args.tell(&gateway, result).await,
        Err(error) => Err(error),
    };
    Box::new(cluster).drain(settings.process.drain_deadline).await;
    outcome
}

async fn answer(
    gateway: &Gateway,
    row: &ingest::Row,
    source: &dyn ingest::Source,
    limits: &ingest::Limits,
    live: &Live,
) -> anyhow::Result<QuestionResult> {
    live.now("reading pictures");
    let mut question = ingest::question(row, source, gateway.bus().artifacts(), limits).await?;
    question.session = SessionId::random();
    let session = gateway.submit(question).await?;
    let mut follow = gateway.follow(session, 0).await?;
    loop {
        tokio::select! {
            next = follow.next() => {
                let (_, event) = next?;
                live.tell(&event.kind);
                if event.kind.outcome().is_some() {
                    return Ok(gateway.result(session).await?);
                }
            }
            stopped = tokio::signal::ctrl_c() => {
                stopped.context("wait for Ctrl-C")?;
                // Too late to withdraw is as good as withdrawn: the closing event follows.
                let _ = gateway.cancel(session, "interrupted at the terminal").await;
            }
        }
    }
}

impl Args {
    fn row(&self, limits: &ingest::Limits) -> anyhow::Result<(ingest::Row, Box<dyn ingest::Source>)> {
        match (&self.manifest, &self.id) {
            (Some(manifest), Some(id)) => from_manifest(manifest, id, limits),
            _ => self.typed(limits),
        }
    }

    /// What was typed, as the manifest row it would be.
    fn typed(&self, limits: &ingest::Limits) -> anyhow::Result<(ingest::Row, Box<dyn ingest::Source>)> {
        let mut row = json!({ "id": "ask", "question": self.question });
        let source: Box<dyn ingest::Source> = if let Some(video) = &self.video {
            let (folder, name) = beside(video)?;
            row["video"] = Value::from(name);
            Box::new(folder)
        } else if self.image.is_empty() {
            bail!("there is nothing to look at: give --image FILE (or --video FILE)");
        } else {
            let (names, files) = read_all(&self.image, limits.max_image_bytes)?;
            row["images"] = Value::from(names);
            Box::new(ingest::Uploaded::new(files))
        };
        if !self.options.is_empty() {
            row["options"] = Value::from(self.options.clone());
        }
        if let Some(answer_type) = &self.answer_type {
            row["answer_type"] = Value::from(answer_type.as_str());
        }
        if let Some(unit) = &self.unit {
            row["unit"] = Value::from(unit.as_str());
        }
        Ok((ingest::Row::parse(&serde_json::to_vec(&row)?, limits)?, source))
    }

    async fn tell(&self, gateway: &Gateway, result: QuestionResult) -> anyhow::Result<ExitCode> {
        let report = self.write_report(gateway, &result).await?;
        if self.json {
            let mut told = serde_json::to_value(&result)?;
            told["report"] = Value::from(report.display().to_string());
            println!("{told}");
        } else {
            tell_person(&result, &report);
        }
        Ok(if result.status == Status::Answered { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    async fn write_report(&self, gateway: &Gateway, result: &QuestionResult) -> anyhow::Result<PathBuf> {
        let events = gateway.events(result.id.parse()?).await?;
        let page = spatialclaw_report::render(gateway.bus().artifacts(), &events).await?;
        let file = self.out.join(format!("{}.html", result.id));
        std::fs::create_dir_all(&self.out)
            .and_then(|()| std::fs::write(&file, page))
            .with_context(|| format!("write the report {}", file.display()))?;
        Ok(file)
    }
}

fn tell_person(result: &QuestionResult, report: &Path) {
    match (&result.answer, &result.error) {
        (Some(answer), _) => println!("answer: {answer}"),
        (None, Some(why)) => println!("no answer: {why}"),
        (None, None) => println!("no answer"),
    }
    let cost = &result.cost;
    println!(
        "{} steps, {} tool calls, {} tokens, {:.1} s",
        cost.steps,
        cost.tool_calls,
        cost.prompt_tokens + cost.completion_tokens,
        cost.seconds
    );
    println!("report: {}", report.display());
}

type Files = HashMap<String, bytes::Bytes>;

/// The pictures under the names they were typed with.
fn read_all(paths: &[PathBuf], limit: u64) -> anyhow::Result<(Vec<String>, Files)> {
    let mut files = Files::new();
    let mut names = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let size = std::fs::metadata(path).with_context(|| format!("read {name}"))?.len();
        if size > limit {
            bail!("{name} has {size} bytes, over the limit of {limit} (ingest.max_image_bytes)");
        }
        files.insert(name.clone(), std::fs::read(path).with_context(|| format!("read {name}"))?.into());
        names.push(name);
    }
    Ok((names, files))
}

fn beside(file: &Path) -> anyhow::Result<(ingest::Folder, String)> {
    let name = file.file_name().with_context(|| format!("{} names no file", file.display()))?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = ingest::Folder::open(folder).with_context(|| format!("open {}", folder.display()))?;
    Ok((folder, name.to_string_lossy().into_owned()))
}

fn from_manifest(
    manifest: &Path,
    id: &str,
    limits: &ingest::Limits,
) -> anyhow::Result<(ingest::Row, Box<dyn ingest::Source>)> {
    let (folder, _) = beside(manifest)?;
    for entry in ingest::Manifest::open(manifest, limits)? {
        if entry.id.as_deref() == Some(id) {
            return Ok((entry.row?, Box::new(folder)));
        }
    }
    bail!("no row of {} has the id `{id}`", manifest.display())
}
