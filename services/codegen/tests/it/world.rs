//! The world around a codegen: an in-process bus, a model that follows a script, an executor that plays kernels.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use spatialclaw_bus::{self as bus, Bus, Queue, Serving};
use spatialclaw_codegen::Config;
use spatialclaw_domain::{
    AnswerType, ArtifactRef, Budget, Digest, Event, EventKind, Fault, FaultKind, Frame, KernelId, Picture,
    Plan, Question, SessionId, Usage, VisionKind, VisionQuestion,
};
use spatialclaw_models::{ChatReply, ChatRequest, Finish, LanguageModel, Part, Role, Speaker};
use spatialclaw_proto::{
    kernel::v1::{
        KernelReply, KernelRequest, LeaseReply, LeaseRequest, RunRequest, VisionReply, VisionRequest,
        kernel_request::Op,
    },
    session::v1::{self as wire, Answer, CellError, Observation, SolveJob},
};
use tempfile::TempDir;
use tokio::sync::{Notify, watch};

const PATIENCE: Duration = Duration::from_secs(30);
const LEASE_TTL: Duration = Duration::from_secs(1);

/// What happened to the executor and the model, in order.
#[derive(Clone)]
pub(crate) struct Log(watch::Sender<Vec<String>>);

impl Log {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.send_modify(|lines| lines.push(line.into()));
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// Those about kernels.
    pub(crate) fn kernels(&self) -> Vec<String> {
        self.lines().into_iter().filter(|line| !line.starts_with("asked")).collect()
    }

    pub(crate) async fn until(&self, line: &str) {
        let mut changes = self.0.subscribe();
        let found = changes.wait_for(|lines| lines.iter().any(|it| it == line));
        if tokio::time::timeout(PATIENCE, found).await.is_err() {
            panic!("`{line}` never came: {:#?}", self.lines());
        }
    }
}

pub(crate) struct World {
    pub(crate) bus: Bus,
    pub(crate) log: Log,
    pub(crate) session: SessionId,
    moods: Arc<Moods>,
    _dir: TempDir,
    _executor: Option<Executor>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(true, 5).await
    }

    pub(crate) async fn with(executor: bool, max_deliveries: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = bus::Config {
            artifacts: dir.path().join("artifacts").display().to_string(),
            ack_wait: Duration::from_millis(400),
            max_deliveries,
            ..bus::Config::default()
        };
        let bus = Bus::connect(&config, "test").await.unwrap();
        let log = Log(watch::channel(Vec::new()).0);
        let moods = Arc::new(Moods::default());
        let executor = if executor { Some(Executor::start(&bus, &log, &moods).await) } else { None };
        Self { bus, log, moods, session: SessionId::named("session"), _dir: dir, _executor: executor }
    }

    /// The next so many asks for a kernel find none that is free.
    pub(crate) fn is_full_for(&self, asks: usize) {
        self.moods.full.store(asks, Ordering::Relaxed);
    }

    /// The next so many kernels are leased and nobody hears of it.
    pub(crate) fn loses_lease(&self, leases: usize) {
        self.moods.lost.store(leases, Ordering::Relaxed);
    }

    pub(crate) fn question(&self) -> Question {
        let image = ArtifactRef { digest: Digest::of(b"frame"), size: 5, media_type: "image/png".into() };
        let frame = Frame {
            index: 0,
            image,
            width: 64,
            height: 48,
            time_s: None,
            intrinsics: None,
            pose: None,
            depth: None,
            instances: None,
        };
        Question {
            session: self.session,
            label: "q".into(),
            text: "How far is the red chair from the camera, in metres?".into(),
            frames: vec![frame],
            stereo: None,
            world_up: None,
            video: None,
            choices: vec![],
            answer_type: AnswerType::Number,
            unit: Some("m".into()),
            budget: Budget::default(),
        }
    }

    /// Writes what a gateway and a planner would have written, and queues the job.
    pub(crate) async fn submit(&self) {
        self.submit_with(Budget::default()).await;
    }

    pub(crate) async fn submit_with(&self, budget: Budget) {
        let question = Question { budget, ..self.question() };
        let plan = Plan { text: "Measure it.".into(), model: "test".into(), usage: Usage::default() };
        self.append(EventKind::Submitted { question: question.clone(), traceparent: String::new() }).await;
        self.append(EventKind::Planned { plan }).await;
        self.enqueue("job").await;
    }

    pub(crate) async fn enqueue(&self, id: &str) {
        let job = SolveJob { question: Some(self.question().into()), plan: None };
        self.bus.enqueue(Queue::Solve, id, &job).await.unwrap();
    }

    /// Appends as an outsider would: again if somebody was first.
    pub(crate) async fn append(&self, kind: EventKind) {
        loop {
            let last = self.bus.read(self.session, 0).await.unwrap().last().map_or(0, |(seq, _)| *seq);
            match self.bus.append(self.session, &Event { at_unix_ms: 1, kind: kind.clone() }, last).await {
                Ok(_) => return,
                Err(bus::AppendError::Conflict { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub(crate) async fn serve(&self, model: Arc<Model>) -> spatialclaw_codegen::Service {
        self.serve_with(model, |_| {}).await
    }

    pub(crate) async fn serve_with(
        &self,
        model: Arc<Model>,
        change: fn(&mut Config),
    ) -> spatialclaw_codegen::Service {
        let mut config = Config {
            model_backoff: Duration::from_millis(5),
            lease_backoff: Duration::from_millis(5),
            retry_wait: Duration::from_millis(20),
            yield_wait: Duration::from_millis(500),
            ..Config::default()
        };
        change(&mut config);
        spatialclaw_codegen::spawn(self.bus.clone(), model, config).await.unwrap()
    }

    /// The journal, once it has ended.
    pub(crate) async fn journal(&self) -> Vec<EventKind> {
        let ended = async {
            let mut follow = self.bus.follow(self.session, 0).await.unwrap();
            let mut journal = Vec::new();
            loop {
                journal.push(follow.next().await.unwrap().1.kind);
                if journal.last().is_some_and(|kind| kind.outcome().is_some()) {
                    return journal;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, ended).await {
            Ok(journal) => journal,
            Err(_) => panic!("the question never ended: {:#?}", self.log.lines()),
        }
    }
}

pub(crate) fn names(journal: &[EventKind]) -> Vec<&str> {
    journal.iter().map(EventKind::name).collect()
}

// ---- the model --------------------------------------------------------------

/// What the model does when it is asked for a step.
#[derive(Clone)]
pub(crate) enum Says {
    Code(&'static str),
    Text(&'static str),
    Fault(FaultKind),
    Panic,
    /// Nothing, until the world's end.
    Nothing,
    /// This code, once so many requests have come.
    Together(usize, &'static str),
}

/// Says what its script holds for the step it is asked for, however often; the last line goes on for ever.
pub(crate) struct Model {
    script: Vec<Says>,
    log: Log,
    asked: watch::Sender<Vec<ChatRequest>>,
}

impl Model {
    pub(crate) fn new(world: &World, script: Vec<Says>) -> Arc<Self> {
        Arc::new(Self { script, log: world.log.clone(), asked: watch::channel(vec![]).0 })
    }

    /// The text of the last message of each request.
    pub(crate) fn read(&self) -> Vec<String> {
        self.asked.borrow().iter().map(last_text).collect()
    }
}

impl Model {
    /// Sees everything in the middle.
    fn see(&self, request: &ChatRequest) -> ChatReply {
        let Some(Part::Text(question)) = request.messages[1].parts.last() else { panic!("{request:?}") };
        self.log.add(format!("asked to {}, {question}", request.role.name()));
        said("(500, 500)".to_owned())
    }
}

fn last_text(request: &ChatRequest) -> String {
    match request.messages.last().map(|message| &message.parts[0]) {
        Some(Part::Text(text)) => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[async_trait]
impl LanguageModel for Model {
    fn name(&self) -> &str {
        "script"
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply, Fault> {
        if let Role::Locate | Role::Think = request.role {
            return Ok(self.see(request));
        }
        let step = request.messages.iter().filter(|message| message.speaker == Speaker::Assistant).count();
        self.log.add(format!("asked {}", step + 1));
        self.asked.send_modify(|asked| asked.push(request.clone()));
        let text = match &self.script[step.min(self.script.len() - 1)] {
            Says::Code(code) => cell(code),
            Says::Text(text) => (*text).to_owned(),
            Says::Fault(kind) => return Err(Fault::new(*kind, "the script says so")),
            Says::Panic => panic!("the script says so"),
            Says::Nothing => std::future::pending().await,
            Says::Together(n, code) => {
                let _ = self.asked.subscribe().wait_for(|asked| asked.len() >= *n).await;
                cell(code)
            }
        };
        Ok(said(text))
    }
}

fn said(text: String) -> ChatReply {
    let usage = Usage { calls: 1, prompt_tokens: 10, completion_tokens: 1, cached_tokens: 0 };
    ChatReply { text, finish: Finish::Stop, usage, model: "script".into() }
}

fn cell(code: &str) -> String {
    format!("**Purpose**\np\n**Reasoning**\nr\n**Next Goal**\ng\n**Code**\n```python\n{code}\n```")
}

// ---- the executor -----------------------------------------------------------

/// Leases kernels that understand `print X`, `answer X`, `fail`, `hang`; `die`, which takes the first kernel with it and
/// prints `survived` on any other; `see X`, which asks the vision model; `seedie X`, which does that and then `die`;
/// `deafen`, after which the kernel does not hear the first release.
struct Executor {
    _serving: Serving,
}

struct Kernel {
    _serving: Serving,
    _lease: bus::Lease,
}

type Kernels = Arc<Mutex<HashMap<KernelId, Kernel>>>;

/// What the executor will do before it behaves.
#[derive(Default)]
struct Moods {
    full: AtomicUsize,
    lost: AtomicUsize,
}

fn take_one(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

impl Executor {
    async fn start(bus: &Bus, log: &Log, moods: &Arc<Moods>) -> Self {
        let (kernels, bus_, log, moods) = (Kernels::default(), bus.clone(), log.clone(), Arc::clone(moods));
        let handler = move |request: LeaseRequest| {
            log.add(format!("asked for by {}", request.owner));
            let (log, moods) = (log.clone(), Arc::clone(&moods));
            let leasing = lease(bus_.clone(), request, log.clone(), Arc::clone(&kernels));
            async move {
                if take_one(&moods.full) {
                    log.add("full");
                    return Err(Fault::new(FaultKind::Exhausted, "all kernels are leased"));
                }
                let reply = leasing.await?;
                match take_one(&moods.lost) {
                    true => Err(Fault::new(FaultKind::Deadline, "the reply is lost")),
                    false => Ok(reply),
                }
            }
        };
        Self { _serving: bus.serve("executor.lease", 16, handler).await.unwrap() }
    }
}

async fn lease(bus: Bus, request: LeaseRequest, log: Log, kernels: Kernels) -> Result<LeaseReply, Fault> {
    let session = request.question.unwrap().session;
    let kernel = KernelId::random();
    let nth = log.lines().iter().filter(|line| line.starts_with("lease")).count() + 1;
    log.add(format!("lease {nth}"));
    let subject = format!("kernel.{kernel}");
    let held = bus.hold(&subject, LEASE_TTL).await?;
    let (interrupt, all) = (Arc::new(Notify::new()), Arc::clone(&kernels));
    let (asker, deaf) = (bus.clone(), Arc::new(AtomicUsize::new(0)));
    let handler = move |request: KernelRequest| {
        let (log, interrupt, kernels) = (log.clone(), Arc::clone(&interrupt), Arc::clone(&all));
        let (host, deaf) = (Host { bus: asker.clone(), session: session.clone() }, Arc::clone(&deaf));
        async move {
            match request.op.unwrap() {
                Op::Run(run) if run.code == "deafen" => {
                    deaf.store(1, Ordering::Relaxed);
                    let seen = Observation { step: run.step, ..Observation::default() };
                    Ok(KernelReply { observation: Some(seen) })
                }
                Op::Run(run) => execute(nth, run, &host, &log, &interrupt, || bury(&kernels, kernel)).await,
                Op::Interrupt(_) => {
                    log.add(format!("interrupt {nth}"));
                    interrupt.notify_waiters();
                    Ok(KernelReply::default())
                }
                Op::Release(_) if take_one(&deaf) => {
                    log.add(format!("release {nth} unheard"));
                    Err(Fault::new(FaultKind::Deadline, "the link is down"))
                }
                Op::Release(_) => {
                    log.add(format!("release {nth}"));
                    Ok(KernelReply::default())
                }
            }
        }
    };
    let serving = bus.serve(&subject, 4, handler).await?;
    kernels.lock().unwrap().insert(kernel, Kernel { _serving: serving, _lease: held });
    Ok(LeaseReply { kernel: kernel.to_string(), executor: "fake".into(), walls: "none".into(), seconds: 0.0 })
}

/// The executor dies: nobody serves the kernel, nobody holds its lease.
fn bury(kernels: &Kernels, kernel: KernelId) {
    let dead = kernels.lock().unwrap().remove(&kernel);
    tokio::spawn(async move { drop(dead) });
}

/// What a vision question is asked with.
struct Host {
    bus: Bus,
    session: String,
}

impl Host {
    /// As the executor does: what was answered before is not asked again.
    async fn see(&self, text: &str, known: &[wire::VisionCall]) -> wire::VisionCall {
        let asked = wire::VisionQuestion::from(about(text));
        if let Some(call) = known.iter().find(|call| call.asked.as_ref() == Some(&asked)) {
            return wire::VisionCall { cached: true, usage: None, ..call.clone() };
        }
        let request = VisionRequest { session: self.session.clone(), asked: Some(asked.clone()) };
        let VisionReply { answer, model, usage } = self.bus.ask("vision", &request, PATIENCE).await.unwrap();
        wire::VisionCall { asked: Some(asked), answer, failed: false, cached: false, model, usage }
    }
}

pub(crate) fn about(text: &str) -> VisionQuestion {
    let image = ArtifactRef { digest: Digest::of(b"frame"), size: 5, media_type: "image/png".into() };
    let pictures = vec![Picture { image, frame_index: Some(0) }];
    VisionQuestion { kind: VisionKind::Locate, text: text.into(), pictures }
}

async fn execute(
    nth: usize,
    run: RunRequest,
    host: &Host,
    log: &Log,
    interrupt: &Notify,
    die: impl FnOnce(),
) -> Result<KernelReply, Fault> {
    log.add(format!("run {} on {nth}: {}", run.step, run.code));
    let mut seen = Observation { step: run.step, seconds: 0.01, ..Observation::default() };
    let (verb, object) = run.code.split_once(' ').unwrap_or((&run.code, ""));
    if let "see" | "seedie" = verb {
        let call = host.see(object, &run.vision).await;
        seen.stdout = format!("{}\n", call.answer);
        seen.vision_usage = call.usage;
        seen.vision.push(call);
    }
    match (verb, object) {
        ("see", _) => {}
        ("seedie", _) if nth > 1 => {}
        ("print", text) => seen.stdout = format!("{text}\n"),
        ("answer", text) => seen.answer = Some(Answer { text: text.into(), number: text.parse().ok() }),
        ("hang", _) => interrupt.notified().await,
        ("die" | "seedie", _) if nth == 1 => {
            die();
            std::future::pending::<()>().await;
        }
        ("die", _) => seen.stdout = "survived\n".into(),
        _ => {
            seen.error = Some(CellError {
                kind: "ValueError".into(),
                message: "no such verb".into(),
                line: 1,
                traceback: String::new(),
            });
        }
    }
    Ok(KernelReply { observation: Some(seen) })
}
