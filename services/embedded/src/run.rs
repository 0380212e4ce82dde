//! `spatialclaw run`: every row of a manifest.
//!
//! ```text
//! manifest ─reader─▶ channel ─▶ ask ─▶ ask ─▶ … (at most `concurrency` rows in flight, in order) ─▶ results.jsonl
//! ```
//!
//! Nothing is kept per row but 16 bytes to see duplicate ids. A run can be killed at any moment: results are written
//! in the rows' order, one line each, so what is there is a prefix; questions are named by their content, so asking
//! one again joins the session that is already under way in `DIR/state`.
//!
//! Two kinds of failure, never mixed: what is the row's fault becomes its line, and the run goes on; what is ours (the
//! bus, the artifact store, the disk) is tried again for a while and then ends the run, which goes on from there when
//! it is started again.

mod asker;
mod progress;
mod results;

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use futures::{StreamExt as _, stream};
use spatialclaw_bus as bus;
use spatialclaw_ingest::{self as ingest, Entry};
use spatialclaw_runtime::{Readiness, Service as _, Shutdown};
use tokio::sync::mpsc;

use crate::{
    Embedded, Settings,
    cli::{Configured, INTERRUPTED},
    result::ResultLine,
    tell::{self, counted},
};

use asker::Asker;
use progress::{Progress, Tally};
use results::Results;

const EXAMPLES: &str = "\
Examples:
  spatialclaw run examples/questions.jsonl --out out/mine
  spatialclaw run questions.jsonl --out out/model --config spatialclaw.toml --concurrency 16

A run goes on where it was when the same command is given again.
Exit status: 0 every row answered, 1 some not, 2 nothing could run, 130 interrupted.";

const USAGE: &str = "spatialclaw run [OPTIONS] --out <DIR> <MANIFEST>";

/// Prints the settings, which needs neither manifest nor folder.
const UNLESS: &str = "print_config";

/// Answer every row of a manifest.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, override_usage = USAGE)]
pub(crate) struct Args {
    /// JSON Lines, one question a row (docs/reference/manifest.md)
    #[arg(required = false, required_unless_present = UNLESS, default_value_if(UNLESS, "true", "."))]
    manifest: PathBuf,
    /// Where results, reports and the run's state go
    #[arg(long, value_name = "DIR")]
    #[arg(required = false, required_unless_present = UNLESS, default_value_if(UNLESS, "true", "."))]
    out: PathBuf,
    /// Rows in flight at once; left out, as many as the executor has kernels
    #[arg(long, value_name = "N")]
    concurrency: Option<NonZeroUsize>,
    /// Ask again the rows that an earlier run in DIR could not answer
    #[arg(long, conflicts_with = "fresh")]
    retry: bool,
    /// Forget an earlier run in DIR instead of going on with it
    #[arg(long)]
    fresh: bool,
    /// Write no report pages
    #[arg(long)]
    no_reports: bool,
    #[command(flatten)]
    pub(crate) configured: Configured,
}

pub(crate) async fn run(args: Args, mut settings: Settings) -> anyhow::Result<ExitCode> {
    let folder = ingest::Folder::open(parent(&args.manifest))
        .with_context(|| format!("open the folder of {}", args.manifest.display()))?;
    let rows = ingest::Manifest::open(&args.manifest, &settings.ingest)?;
    let mut results = Results::open(&args.out, args.fresh)?;
    if args.retry {
        results.forget_failures()?;
    }
    keep_state_in(&args.out, &mut settings.bus);
    let concurrency = args.concurrency.map_or(settings.executor.kernels, NonZeroUsize::get).max(1);
    settings.executor.kernels = settings.executor.kernels.max(concurrency);
    settings.codegen.concurrency = settings.codegen.concurrency.max(concurrency);
    let mut cluster = Embedded::start(&settings, &Readiness::default()).await?;
    let asker = Asker {
        gateway: cluster.gateway().clone(),
        folder,
        limits: settings.ingest.clone(),
        run: results.run_id().to_owned(),
        reports: (!args.no_reports).then(|| args.out.join("reports")),
        retry: args.retry,
    };
    let stop = Shutdown::on_signals().context("install signal handlers")?;
    let progress = Progress::new(&args.manifest, results.done());
    let outcome = tokio::select! {
        tally = answer_all(rows, results, &asker, concurrency, &progress) => tally.map(Some),
        error = cluster.failed() => Err(error),
        () = stop.begun() => Ok(None),
    };
    progress.done();
    Box::new(cluster).drain(settings.process.drain_deadline).await;
    close(outcome?, &progress, &args.out)
}

fn close(tally: Option<Tally>, progress: &Progress, out: &Path) -> anyhow::Result<ExitCode> {
    let Some(tally) = tally else {
        progress.end("interrupted: the same command goes on from here");
        return Ok(ExitCode::from(INTERRUPTED));
    };
    progress.end(tally);
    tell::err(format!("results: {}", out.join("results.jsonl").display()));
    if tally.answered < tally.rows {
        let rows = counted(tally.rows - tally.answered, "row");
        tell::err(format!("{rows} without an answer: the same command with --retry asks again"));
    }
    Ok(if tally.answered == tally.rows { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The in-process store lies in the run's folder, unless a server carries the messages.
fn keep_state_in(out: &Path, config: &mut bus::Config) {
    if config.nats.is_none() {
        config.path = Some(out.join("state"));
        config.artifacts = out.join("state/artifacts").display().to_string();
    }
}

async fn answer_all(
    rows: ingest::Manifest,
    mut results: Results,
    asker: &Asker,
    concurrency: usize,
    progress: &Progress,
) -> anyhow::Result<Tally> {
    let entries = read_aside(rows, concurrency);
    let known = results.done();
    let mut tally = Tally::default();
    // Rows that have a result are read, to be checked against it, and not asked again.
    let answers = stream::unfold(entries, async |mut entries| Some((entries.recv().await?, entries)))
        .enumerate()
        .map(|(at, entry)| async move {
            if (at as u64) < known {
                Ok(Answered::Before(entry))
            } else {
                asker.answer(entry).await.map(Answered::Now)
            }
        })
        .buffered(concurrency);
    let mut answers = std::pin::pin!(answers);
    while let Some(answered) = answers.next().await {
        let line = match answered? {
            Answered::Before(entry) => results.recall(&entry)?,
            Answered::Now(line) => results.write(line)?,
        };
        tally.count(&line);
        progress.count(&tally, &line);
    }
    if tally.rows == 0 {
        bail!("the manifest has no rows");
    }
    if tally.rows < known {
        bail!(
            "{} has results of {known} rows, the manifest only {}: use another --out, or --fresh to start over",
            results.path().display(),
            tally.rows
        );
    }
    Ok(tally)
}

enum Answered {
    Before(Entry),
    Now(ResultLine),
}

/// Reads the manifest on a thread of its own, a few rows ahead.
fn read_aside(rows: ingest::Manifest, ahead: usize) -> mpsc::Receiver<Entry> {
    let (sender, receiver) = mpsc::channel(ahead);
    tokio::task::spawn_blocking(move || {
        for entry in rows {
            if sender.blocking_send(entry).is_err() {
                break;
            }
        }
    });
    receiver
}

fn parent(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
