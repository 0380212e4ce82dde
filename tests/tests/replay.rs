//! Random sessions, their kernel killed at a random point, come back with the same variables.
//!
//! Every session is run twice, in two houses with an executor and a template each: once undisturbed, once in trouble.
//! Its last cell answers with a digest of the whole namespace, its files and the next random numbers. The model is a
//! script that does what it is told: a cell that cost its interpreter is written again.
//!
//! `SPATIALCLAW_REPLAY_CASES` sets how many are tried, `SPATIALCLAW_REPLAY_SEED` begins at a case that failed.

#[path = "replay/cells.rs"]
mod cells;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use async_trait::async_trait;
use cells::Dice;
use spatialclaw_bus::Queue;
use spatialclaw_codegen as codegen;
use spatialclaw_domain::{Event, EventKind, Fault, Observation, Question, SessionId, Usage};
use spatialclaw_executor::{Config, KernelLimits};
use spatialclaw_models::{ChatReply, ChatRequest, Finish, LanguageModel, Message, Part, Role, Speaker};
use spatialclaw_proto::session::v1::SolveJob;
use spatialclaw_tests::{
    kernels::{House, PATIENCE},
    pictures,
};
use tokio::{
    process::Command,
    sync::{mpsc, oneshot},
};

const CASES: u64 = 16;
const SIZE: (u32, u32) = (32, 24);
/// How the model is told that a cell cost its interpreter, and that the interpreter was lost besides.
const ENDED: &str = "the interpreter had to be ended";
const RENEWED: &str = "the interpreter was lost and made anew";

/// What happens to a session.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// Nothing.
    None,
    /// The kernel is killed while the model thinks.
    KilledIdle,
    /// The kernel is killed so long after its cell was sent off.
    KilledRunning(Duration),
    /// A cell of its own ends the interpreter; nothing else of it remains.
    Aborted,
    /// The template is killed, and the kernel with it.
    TemplateKilled,
    /// The executor is told to leave at once, and another one comes.
    Replaced(Duration),
}

impl Trouble {
    fn draw(dice: &mut Dice) -> Self {
        let delay = |dice: &mut Dice| Duration::from_millis(dice.below(60) as u64);
        match dice.below(8) {
            0 | 1 => Self::KilledIdle,
            2..=4 => Self::KilledRunning(delay(dice)),
            5 => Self::Aborted,
            6 => Self::TemplateKilled,
            _ => Self::Replaced(delay(dice)),
        }
    }
}

/// Asked for the cell of so many turns; answered when the other end says so.
type Asked = (usize, oneshot::Sender<()>);

struct Scripted {
    cells: Vec<String>,
    /// Whether a cell is written again that cost its interpreter.
    insists: bool,
    gate: mpsc::Sender<Asked>,
}

/// Writes the cells of its script. Sees what it is asked, and counts.
#[derive(Default)]
struct Script {
    sessions: Mutex<HashMap<SessionId, Scripted>>,
    looked: AtomicUsize,
    heard: Mutex<Vec<String>>,
}

#[async_trait]
impl LanguageModel for Script {
    fn name(&self) -> &str {
        "script"
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply, Fault> {
        let text = match request.role {
            Role::Code => self.cell(request).await,
            _ => {
                // Counted, and always the same words: an answer that told its number would differ after a loss by design.
                self.looked.fetch_add(1, Ordering::Relaxed);
                "what a look shows".to_owned()
            }
        };
        let (usage, model) = (Usage { calls: 1, ..Usage::default() }, self.name().to_owned());
        Ok(ChatReply { text, finish: Finish::Stop, usage, model })
    }
}

impl Script {
    async fn cell(&self, request: &ChatRequest) -> String {
        let turn = request.messages.iter().filter(|it| it.speaker == Speaker::Assistant).count();
        let read: Vec<String> =
            request.messages.iter().filter(|it| it.speaker == Speaker::User).map(text).collect();
        let lost = read.iter().filter(|text| text.contains(ENDED)).count();
        *lock(&self.heard) = read;
        let (code, gate) = {
            let sessions = lock(&self.sessions);
            let Scripted { cells, insists, gate } = &sessions[&request.session];
            let next = if *insists { turn - lost } else { turn };
            (cells[next.min(cells.len() - 1)].clone(), gate.clone())
        };
        let (go, going) = oneshot::channel();
        // A session that nobody watches any more goes on.
        if gate.send((turn, go)).await.is_ok() {
            let _gone = going.await;
        }
        format!(
            "**Purpose**\nGo on.\n**Reasoning**\nAs written.\n**Next Goal**\nThe next.\n**Code**\n```python\n{code}\n```\n"
        )
    }
}

fn text(message: &Message) -> String {
    let texts = message.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        Part::Image(_) => None,
    });
    texts.collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A house in which a codegen works.
struct World {
    house: House,
    script: Arc<Script>,
    _codegen: codegen::Service,
}

/// What came of a session.
struct Outcome {
    answer: String,
    /// What the last cell printed: the namespace, line by line.
    namespace: String,
    journal: Vec<EventKind>,
    /// Of the pod, and of the vision model.
    calls: (usize, usize),
    heard: Vec<String>,
}

impl World {
    async fn open() -> anyhow::Result<Self> {
        // The last cell prints everything.
        let kernel = KernelLimits { output_chars: 1 << 20, ..KernelLimits::default() };
        let house = House::open(Config { kernels: 4, kernel, ..Config::default() }).await?;
        let script = Arc::new(Script::default());
        let model: Arc<dyn LanguageModel> = script.clone();
        let codegen = codegen::spawn(house.bus.clone(), model, codegen::Config::default()).await?;
        Ok(Self { house, script, _codegen: codegen })
    }

    async fn question(&self, session: SessionId) -> anyhow::Result<Question> {
        let frames = [pictures::png(SIZE.0, SIZE.1), pictures::png(SIZE.0 + 1, SIZE.1)];
        let mut question = self.house.question(&frames, SIZE).await?;
        question.frames[1].width += 1;
        Ok(Question { session, ..question })
    }

    /// Runs a session whose trouble comes with the cell of turn `at`.
    async fn run(
        &mut self,
        session: SessionId,
        cells: Vec<String>,
        trouble: Trouble,
        at: usize,
    ) -> anyhow::Result<Outcome> {
        let before = (self.house.pod.calls(), self.script.looked.load(Ordering::Relaxed));
        let (gate, mut asked) = mpsc::channel(1);
        let insists = !matches!(trouble, Trouble::Aborted);
        lock(&self.script.sessions).insert(session, Scripted { cells, insists, gate });
        let question = self.question(session).await?;
        self.submit(question).await?;
        let mut ended = std::pin::pin!(ended(self.house.bus.clone(), session));
        let mut trouble = Some(trouble);
        let journal = loop {
            tokio::select! {
                journal = &mut ended => break journal?,
                Some((turn, go)) = asked.recv() => {
                    let now = if turn == at { trouble.take() } else { None };
                    self.bring(now.unwrap_or(Trouble::None), go).await?;
                }
            }
        };
        lock(&self.script.sessions).remove(&session);
        let calls =
            (self.house.pod.calls() - before.0, self.script.looked.load(Ordering::Relaxed) - before.1);
        let heard = lock(&self.script.heard).clone();
        outcome(journal, calls, heard)
    }

    async fn submit(&self, question: Question) -> anyhow::Result<()> {
        let session = question.session;
        let kind = EventKind::Submitted { question: question.clone(), traceparent: String::new() };
        self.house.bus.append(session, &Event { at_unix_ms: 1, kind }, 0).await?;
        let job = SolveJob { question: Some(question.into()), plan: None };
        Ok(self.house.bus.enqueue(Queue::Solve, &session.to_string(), &job).await?)
    }

    /// Lets the model answer, before or after the trouble.
    async fn bring(&mut self, trouble: Trouble, go: oneshot::Sender<()>) -> anyhow::Result<()> {
        match trouble {
            Trouble::None | Trouble::Aborted => {}
            Trouble::KilledIdle => kill(&self.house.kernels()).await?,
            Trouble::KilledRunning(delay) => {
                let _going = go.send(());
                tokio::time::sleep(delay).await;
                return kill(&self.house.kernels()).await;
            }
            Trouble::TemplateKilled => kill(self.house.template().as_slice()).await?,
            Trouble::Replaced(delay) => {
                let _going = go.send(());
                tokio::time::sleep(delay).await;
                return self.house.replace_executor(Duration::ZERO).await;
            }
        }
        let _going = go.send(());
        Ok(())
    }
}

/// SIGKILL, from a program of its own: this process is one the kernels must not be able to signal either.
async fn kill(pids: &[u32]) -> anyhow::Result<()> {
    for pid in pids {
        // One that has just ended by itself is as good.
        Command::new("kill").args(["-KILL", &pid.to_string()]).output().await?;
    }
    Ok(())
}

async fn ended(bus: spatialclaw_bus::Bus, session: SessionId) -> anyhow::Result<Vec<EventKind>> {
    let mut follow = bus.follow(session, 0).await?;
    let mut journal = Vec::new();
    let whole = async {
        loop {
            let (_, event) = follow.next().await?;
            let is_last = event.kind.outcome().is_some();
            journal.push(event.kind);
            if is_last {
                return anyhow::Ok(());
            }
        }
    };
    tokio::time::timeout(PATIENCE, whole).await.context("the session does not end")??;
    Ok(journal)
}

fn outcome(journal: Vec<EventKind>, calls: (usize, usize), heard: Vec<String>) -> anyhow::Result<Outcome> {
    let Some(EventKind::Answered { answer, .. }) = journal.last() else {
        bail!("the session ended with {:?}", journal.last())
    };
    let answer = answer.text.clone();
    let namespace = observations(&journal).last().map(|seen| seen.stdout.clone()).unwrap_or_default();
    Ok(Outcome { answer, namespace, journal, calls, heard })
}

fn observations(journal: &[EventKind]) -> impl Iterator<Item = &Observation> {
    journal.iter().filter_map(|kind| match kind {
        EventKind::Observed { observation, .. } => Some(observation),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_kernel_dies_goes_on_with_the_same_variables() -> anyhow::Result<()> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let cases = number("SPATIALCLAW_REPLAY_CASES").unwrap_or(CASES);
    let first = number("SPATIALCLAW_REPLAY_SEED").unwrap_or(1);
    let (mut calm, mut stormy) = (World::open().await?, World::open().await?);
    for seed in first..first + cases {
        case(seed, &mut calm, &mut stormy).await.with_context(|| {
            format!("SPATIALCLAW_REPLAY_SEED={seed} SPATIALCLAW_REPLAY_CASES=1 tries this one again")
        })?;
    }
    calm.house.close().await;
    stormy.house.close().await;
    Ok(())
}

async fn case(seed: u64, calm: &mut World, stormy: &mut World) -> anyhow::Result<()> {
    let mut dice = Dice::new(seed);
    let cells = cells::draw(&mut dice);
    let trouble = Trouble::draw(&mut dice);
    let at = 1 + dice.below(cells.len() - 1);
    let session = SessionId::named(&format!("replay {seed}"));
    let told = format!("{trouble:?} at turn {at} of\n{}", cells[..cells.len() - 1].join("\n# ----\n"));
    let mut script = cells.clone();
    if matches!(trouble, Trouble::Aborted) {
        script.insert(at, "lost = 1\nimport os\nos.abort()".to_owned());
    }
    let undisturbed = calm.run(session, cells, Trouble::None, 0).await.context("undisturbed")?;
    let disturbed = stormy.run(session, script, trouble, at).await.with_context(|| told.clone())?;
    compare(&undisturbed, &disturbed, trouble).with_context(|| told)
}

fn compare(undisturbed: &Outcome, disturbed: &Outcome, trouble: Trouble) -> anyhow::Result<()> {
    let lines = |outcome: &Outcome| outcome.namespace.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (first, again) = (lines(undisturbed), lines(disturbed));
    let differing: Vec<_> = first.symmetric_difference(&again).collect();
    ensure!(
        undisturbed.answer == disturbed.answer,
        "the variables differ: {differing:#?}\nin the story\n{}",
        story(&disturbed.journal)
    );
    // A cell that was killed while it asked has asked; whatever came back is never asked for again.
    let spare = usize::from(!matches!(trouble, Trouble::KilledIdle | Trouble::Aborted));
    let (once, again) = (undisturbed.calls, disturbed.calls);
    ensure!(
        again.0 <= once.0 + spare && again.1 <= once.1 + spare,
        "calls: {once:?}, with trouble {again:?}"
    );
    told(disturbed)
}

/// The model has read of every loss what it needs to know.
fn told(outcome: &Outcome) -> anyhow::Result<()> {
    let has = |text: &str| outcome.heard.iter().any(|heard| heard.contains(text));
    let ended = observations(&outcome.journal).any(|seen| seen.state_lost);
    ensure!(!ended || has(ENDED), "the model was not told that a cell cost its interpreter");
    // What happened under the last cell concerns nobody any more.
    let last = observations(&outcome.journal).last().map_or(0, |seen| seen.step);
    let lost =
        outcome.journal.iter().any(|kind| matches!(kind, EventKind::KernelLost { step, .. } if *step < last));
    ensure!(!lost || has(RENEWED), "the model was not told that its interpreter was made anew");
    if lost && !ended {
        let first = "stuff, pile, gens, things, steps, recons";
        ensure!(has(&format!("these exist again: {first}")), "the model was not told what exists again");
    }
    Ok(())
}

/// What came of each cell, in a line each.
fn story(journal: &[EventKind]) -> String {
    let lines = journal.iter().map(|kind| match kind {
        EventKind::Observed { observation: seen, .. } => {
            let error = seen.error.as_ref().map(|error| format!("{}: {}", error.kind, error.message));
            let new: Vec<_> = seen.new_variables.iter().map(|it| it.name.as_str()).collect();
            format!("observed {}: {error:?}, new {new:?}", seen.step)
        }
        EventKind::KernelLost { step, reason } => format!("kernel lost before {step}: {reason}"),
        other => other.name().to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}
