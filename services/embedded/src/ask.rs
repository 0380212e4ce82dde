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
use spatialclaw_runtime::{Readiness, Service as _, Shutdown};

use crate::{
    Embedded, Score, Settings,
    cli::{Configured, INTERRUPTED},
    live::Live,
    tell::{self, counted, one_line},
};

const EXAMPLES: &str = "\
Examples:
  spatialclaw ask --image left.png --image right.png \"How many chairs are there?\"
  spatialclaw ask --manifest examples/questions.jsonl --id living-01
  spatialclaw ask --manifest examples/questions.jsonl --id living-01 \"How tall is the sofa, in metres?\"

Exit status: 0 answered, 1 no answer, 2 could not be asked, 130 interrupted.";

/// Answer one question.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The question, quoted; with `--manifest`, asked instead of the row's own
    #[arg(required_unless_present_any = ["manifest", "print_config"])]
    question: Option<String>,
    /// A picture; may be repeated, in order
    #[arg(long, value_name = "FILE", conflicts_with_all = ["video", "manifest"])]
    image: Vec<PathBuf>,
    /// A video instead of pictures
    #[arg(long, value_name = "FILE", conflicts_with = "manifest")]
    video: Option<PathBuf>,
    /// Take pictures, measurements and, unless one is typed, the question from a row of this manifest
    #[arg(long, value_name = "FILE", requires = "id")]
    manifest: Option<PathBuf>,
    /// Which row
    #[arg(long, requires = "manifest")]
    id: Option<String>,
    /// An option of a multiple-choice question; may be repeated
    #[arg(long = "option", value_name = "TEXT", requires = "question")]
    options: Vec<String>,
    /// What counts as an answer
    #[arg(long, value_name = "TYPE", requires = "question")]
    #[arg(value_parser = ["text", "number", "integer", "yes_no", "choice"])]
    answer_type: Option<String>,
    /// Unit the answer is wanted in, e.g. m
    #[arg(long, requires = "question")]
    unit: Option<String>,
    /// Print one JSON object on stdout, and nothing else there
    #[arg(long)]
    json: bool,
    /// Tell no steps, only the answer
    #[arg(long, short)]
    quiet: bool,
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
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("make the reports' folder {} (--out)", args.out.display()))?;
    let live = Live::new(!args.quiet);
    let mut cluster = Embedded::start(&settings, &Readiness::default()).await?;
    let gateway = cluster.gateway().clone();
    let outcome = tokio::select! {
        outcome = answer(&gateway, &row, source.as_ref(), &settings.ingest, &live) => outcome,
        error = cluster.failed() => Err(error),
    };
    live.done();
    let outcome = match outcome {
        Ok(result) => args.tell(&gateway, &row, result).await,
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
    let stop = Shutdown::on_signals().context("install signal handlers")?;
    let session = gateway.submit(question).await?;
    let mut follow = gateway.follow(session, 0).await?;
    let mut withdrawn = false;
    loop {
        tokio::select! {
            next = follow.next() => {
                let (_, event) = next?;
                live.tell(&event.kind);
                if event.kind.outcome().is_some() {
                    return Ok(gateway.result(session).await?);
                }
            }
            () = stop.begun(), if !withdrawn => {
                live.now("stopping");
                // Too late to withdraw is as good as withdrawn: the closing event follows.
                let _ = gateway.cancel(session, "interrupted").await;
                withdrawn = true;
            }
        }
    }
}

impl Args {
    fn row(&self, limits: &ingest::Limits) -> anyhow::Result<(ingest::Row, Box<dyn ingest::Source>)> {
        match (&self.manifest, &self.id) {
            (Some(manifest), Some(id)) => {
                let (row, folder) = from_manifest(manifest, id, limits)?;
                Ok((self.asked_of(row, limits)?, Box::new(folder)))
            }
            _ => self.typed(limits),
        }
    }

    /// The row, with the question that was typed instead of its own.
    fn asked_of(&self, row: ingest::Row, limits: &ingest::Limits) -> anyhow::Result<ingest::Row> {
        if self.question.is_none() {
            return Ok(row);
        }
        let mut typed = self.words();
        typed["images"] = json!(["the row's"]);
        let typed = ingest::Row::parse(&serde_json::to_vec(&typed)?, limits)?;
        Ok(ingest::Row { id: row.id, media: row.media, stereo: row.stereo, world_up: row.world_up, ..typed })
    }

    /// What was typed, as the manifest row it would be.
    fn typed(&self, limits: &ingest::Limits) -> anyhow::Result<(ingest::Row, Box<dyn ingest::Source>)> {
        let mut row = self.words();
        let source: Box<dyn ingest::Source> = if let Some(video) = &self.video {
            let (folder, name) = beside(video)?;
            row["video"] = Value::from(name);
            Box::new(folder)
        } else if self.image.is_empty() {
            bail!("there is nothing to look at: give --image FILE, --video FILE, or --manifest FILE --id ID");
        } else {
            let (names, files) = read_all(&self.image, limits.max_image_bytes)?;
            row["images"] = Value::from(names);
            Box::new(ingest::Uploaded::new(files))
        };
        Ok((ingest::Row::parse(&serde_json::to_vec(&row)?, limits)?, source))
    }

    /// The keys of a row that are words.
    fn words(&self) -> Value {
        let mut row = json!({ "id": "ask", "question": self.question });
        if !self.options.is_empty() {
            row["options"] = Value::from(self.options.clone());
        }
        if let Some(answer_type) = &self.answer_type {
            row["answer_type"] = Value::from(answer_type.as_str());
        }
        if let Some(unit) = &self.unit {
            row["unit"] = Value::from(unit.as_str());
        }
        row
    }

    async fn tell(
        &self,
        gateway: &Gateway,
        row: &ingest::Row,
        result: QuestionResult,
    ) -> anyhow::Result<ExitCode> {
        // An answer is worth more than its page.
        let report = self.write_report(gateway, &result).await;
        let report = report.map_err(|error| tell::err(format!("spatialclaw: {error:#}"))).ok();
        if self.json {
            let mut told = serde_json::to_value(&result)?;
            told["report"] = report.map(|file| file.display().to_string()).into();
            tell::out(told)?;
        } else {
            tell_person(row, &result, report.as_deref())?;
        }
        Ok(match result.status {
            Status::Answered => ExitCode::SUCCESS,
            Status::Cancelled => ExitCode::from(INTERRUPTED),
            _ => ExitCode::from(1),
        })
    }

    async fn write_report(&self, gateway: &Gateway, result: &QuestionResult) -> anyhow::Result<PathBuf> {
        let events = gateway.events(result.id.parse()?).await?;
        let page = spatialclaw_report::render(gateway.bus().artifacts(), &events).await?;
        let file = self.out.join(format!("{}.html", result.id));
        std::fs::write(&file, page).with_context(|| format!("write the report {}", file.display()))?;
        Ok(file)
    }
}

fn tell_person(row: &ingest::Row, result: &QuestionResult, report: Option<&Path>) -> anyhow::Result<()> {
    let line = match (&result.answer, &result.error) {
        (Some(answer), _) => format!("answer: {}", in_words(row, answer)),
        (None, Some(why)) => format!("no answer: {}", one_line(why, 10_000)),
        (None, None) => "no answer".to_owned(),
    };
    if tell::is_colourful(&std::io::stdout()) {
        tell::out(format!("\x1b[1m{line}\x1b[0m"))?;
    } else {
        tell::out(line)?;
    }
    if let Some(right) = &row.reference {
        tell::out(Score::of(right, result.answer.as_deref(), result.number))?;
    }
    let cost = &result.cost;
    let tokens = cost.prompt_tokens + cost.completion_tokens;
    let (steps, calls) = (counted(cost.steps, "step"), counted(cost.tool_calls, "tool call"));
    tell::out(format!("{steps}, {calls}, {}, {:.1} s", counted(tokens, "token"), cost.seconds))?;
    report.map_or(Ok(()), |file| tell::out(format!("report: {}", file.display())))
}

/// The answer with its unit, or with what its letter stands for.
fn in_words(row: &ingest::Row, answer: &str) -> String {
    let choice = row.choices.iter().find(|choice| choice.letter == answer);
    let text = match (choice, &row.unit) {
        (Some(choice), _) => format!("{answer} ({})", choice.text),
        (None, Some(unit)) if answer.trim().parse::<f64>().is_ok() => format!("{answer} {unit}"),
        _ => answer.to_owned(),
    };
    one_line(&text, 100_000)
}

type Files = HashMap<String, bytes::Bytes>;

/// The pictures under the names they were typed with.
fn read_all(paths: &[PathBuf], limit: u64) -> anyhow::Result<(Vec<String>, Files)> {
    let mut files = Files::new();
    let mut names = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        if name.contains("://") {
            bail!("{name} is a URL, and none is fetched: download the picture and name the file");
        }
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
) -> anyhow::Result<(ingest::Row, ingest::Folder)> {
    let (folder, _) = beside(manifest)?;
    for entry in ingest::Manifest::open(manifest, limits)? {
        if entry.id.as_deref() == Some(id) {
            let row = entry.row.with_context(|| format!("{}, line {}", manifest.display(), entry.line))?;
            return Ok((row, folder));
        }
    }
    bail!("no row of {} has the id `{id}`", manifest.display())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn args(words: &[&str]) -> Result<Args, clap::Error> {
        Cli::try_parse_from(std::iter::once(&"ask").chain(words)).map(|cli| cli.args)
    }

    fn row(extra: Value) -> ingest::Row {
        let mut row = json!({ "id": "a", "question": "How far?", "images": ["a.png"] });
        row.as_object_mut().unwrap().append(&mut extra.as_object().unwrap().clone());
        ingest::Row::parse(&serde_json::to_vec(&row).unwrap(), &ingest::Limits::default()).unwrap()
    }

    #[test]
    fn a_typed_question_is_asked_of_the_rows_pictures_and_not_held_against_the_rows_answer() {
        let of_the_row = row(json!({ "answer_type": "number", "unit": "m", "answer": 2.0 }));
        let typed = args(&["--manifest", "m", "--id", "a", "Which?", "--option", "sofa", "--option", "bed"]);
        let asked = typed.unwrap().asked_of(of_the_row.clone(), &ingest::Limits::default()).unwrap();
        assert_eq!((asked.question.as_str(), asked.choices.len(), &asked.unit), ("Which?", 2, &None));
        assert_eq!((asked.media, asked.reference), (of_the_row.media.clone(), None));
        let untyped = args(&["--manifest", "m", "--id", "a"]).unwrap();
        assert_eq!(untyped.asked_of(of_the_row.clone(), &ingest::Limits::default()).unwrap(), of_the_row);
        assert!(args(&["--manifest", "m", "--id", "a", "--unit", "m"]).is_err());
    }

    #[test]
    fn a_person_reads_units_and_what_letters_stand_for() {
        let metres = row(json!({ "answer_type": "number", "unit": "m" }));
        assert_eq!(in_words(&metres, "1.5"), "1.5 m");
        let choices = row(json!({ "options": ["left", "right"] }));
        assert_eq!(in_words(&choices, "B"), "B (right)");
        assert_eq!(in_words(&row(json!({})), "red\x1b[2J"), "red·[2J");
    }
}
