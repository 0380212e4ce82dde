//! A planner on an in-process bus: real queues, real journal, scripted model.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by where it panics")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use spatialclaw_bus::{self as bus, Bus, Done, Queue, Serving};
use spatialclaw_domain::{
    AnswerType, ArtifactRef, Budget, Digest, Event, EventKind, Fault, FaultKind, Frame, Plan, Question,
    SessionId, Usage,
};
use spatialclaw_models::{ChatReply, ChatRequest, Finish, LanguageModel, Part, Role};
use spatialclaw_planner::Config;
use spatialclaw_proto::session::v1::{PlanJob, SolveJob};
use tempfile::TempDir;
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(30);

/// Fails so often with this kind of fault, then plans.
struct Model {
    faults: usize,
    kind: FaultKind,
    asked: AtomicUsize,
    requests: mpsc::Sender<ChatRequest>,
}

#[async_trait]
impl LanguageModel for Model {
    fn name(&self) -> &str {
        "script"
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply, Fault> {
        let _ = self.requests.try_send(request.clone());
        if self.asked.fetch_add(1, Ordering::SeqCst) < self.faults {
            return Err(Fault::new(self.kind, "the script says so"));
        }
        let usage = Usage { calls: 1, ..Usage::default() };
        let text = "Look, then measure.\n### CHECKLIST\n[]\n".to_owned();
        Ok(ChatReply { text, finish: Finish::Stop, usage, model: "script".into() })
    }
}

struct World {
    bus: Bus,
    solved: mpsc::Receiver<(String, SolveJob)>,
    requests: mpsc::Receiver<ChatRequest>,
    model: Arc<Model>,
    _solve: Serving,
    _dir: TempDir,
}

impl World {
    async fn new(faults: usize, kind: FaultKind) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = bus::Config {
            artifacts: dir.path().display().to_string(),
            max_deliveries: 2,
            ..bus::Config::default()
        };
        let bus = Bus::connect(&config, "test").await.unwrap();
        let (jobs, solved) = mpsc::channel(16);
        let handler = move |job: SolveJob, delivery: bus::Delivery| {
            let jobs = jobs.clone();
            async move {
                jobs.send((delivery.id, job)).await.unwrap();
                Done::Finished
            }
        };
        let _solve = bus.work(Queue::Solve, 4, handler).await.unwrap();
        let (sender, requests) = mpsc::channel(64);
        let model = Arc::new(Model { faults, kind, asked: AtomicUsize::new(0), requests: sender });
        Self { bus, solved, requests, model, _solve, _dir: dir }
    }

    async fn serve(&self) -> spatialclaw_planner::Service {
        let config = Config {
            concurrency: 1,
            model_attempts: 3,
            model_backoff: Duration::from_millis(2),
            retry_wait: Duration::from_millis(10),
            ..Config::default()
        };
        spatialclaw_planner::spawn(self.bus.clone(), self.model.clone(), config).await.unwrap()
    }

    async fn append(&self, kind: EventKind) {
        let last = self.bus.read(session(), 0).await.unwrap().last().map_or(0, |(seq, _)| *seq);
        self.bus.append(session(), &Event { at_unix_ms: 1, kind }, last).await.unwrap();
    }

    async fn submit(&self) {
        self.append(EventKind::Submitted { question: question(), traceparent: String::new() }).await;
    }

    async fn enqueue(&self, id: &str) {
        let job = PlanJob { question: Some(question().into()) };
        self.bus.enqueue(Queue::Plan, id, &job).await.unwrap();
    }

    /// A job of a session nobody submitted.
    async fn stray(&self, id: &str) {
        let question = Question { session: SessionId::named("nobody's"), ..question() };
        let job = PlanJob { question: Some(question.into()) };
        self.bus.enqueue(Queue::Plan, id, &job).await.unwrap();
    }

    /// Why a job is in the dead-letter place, once it is.
    async fn buried(&self, id: &str) -> String {
        let listed = async {
            loop {
                let dead = self.bus.dead(Queue::Plan, 10).await.unwrap();
                if let Some(job) = dead.into_iter().find(|job| job.id == id) {
                    return job.reason;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, listed).await.expect("the job was not buried")
    }

    async fn next_solve(&mut self) -> (String, SolveJob) {
        tokio::time::timeout(PATIENCE, self.solved.recv()).await.expect("no job came").unwrap()
    }

    async fn journal(&self) -> Vec<EventKind> {
        self.bus.read(session(), 0).await.unwrap().into_iter().map(|(_, event)| event.kind).collect()
    }

    async fn until_journal_holds(&self, name: &str) -> EventKind {
        let mut follow = self.bus.follow(session(), 0).await.unwrap();
        let found = async {
            loop {
                let (_, event) = follow.next().await.unwrap();
                if event.kind.name() == name {
                    return event.kind;
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("the entry never came")
    }
}

fn session() -> SessionId {
    SessionId::named("session")
}

fn question() -> Question {
    let image = ArtifactRef { digest: Digest::of(b"frame"), size: 5, media_type: "image/png".into() };
    Question {
        session: session(),
        label: "q".into(),
        text: "How many chairs are there?".into(),
        frames: vec![Frame {
            index: 7,
            image,
            width: 64,
            height: 48,
            time_s: None,
            intrinsics: None,
            pose: None,
            depth: None,
            instances: None,
        }],
        stereo: None,
        world_up: None,
        video: None,
        choices: vec![],
        answer_type: AnswerType::Integer,
        unit: None,
        budget: Budget::default(),
    }
}

fn asked(world: &World) -> usize {
    world.model.asked.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_question_is_planned_once_and_sent_on() {
    let mut world = World::new(0, FaultKind::Unavailable).await;
    let _service = world.serve().await;
    world.submit().await;
    world.enqueue("first").await;
    let (id, job) = world.next_solve().await;
    assert_eq!(id, session().to_string(), "under its session, so that the queue knows it once");
    assert_eq!(job.plan.unwrap().text, "Look, then measure.\n### CHECKLIST\n[]");
    world.enqueue("again").await;
    // Taken off the queue one after the other: when the stray is dead, the job before it is done.
    world.stray("stray").await;
    world.buried("stray").await;
    assert_eq!(asked(&world), 1);
}

#[tokio::test]
async fn the_planner_is_blind() {
    let mut world = World::new(0, FaultKind::Unavailable).await;
    let _service = world.serve().await;
    world.submit().await;
    world.enqueue("first").await;
    let request = tokio::time::timeout(PATIENCE, world.requests.recv()).await.unwrap().unwrap();
    assert_eq!(request.role, Role::Plan);
    assert_eq!(request.messages.len(), 2);
    let parts: Vec<&Part> = request.messages.iter().flat_map(|message| &message.parts).collect();
    let [Part::Text(_), Part::Text(asked)] = parts[..] else { panic!("{parts:?}") };
    assert!(asked.starts_with("## Input\n1 image in `InputImages`."), "{asked}");
    assert!(asked.contains("## Answer format\ninteger\n"), "{asked}");
}

#[tokio::test]
async fn a_model_that_is_away_for_a_moment_is_asked_again() {
    let mut world = World::new(2, FaultKind::Unavailable).await;
    let _service = world.serve().await;
    world.submit().await;
    world.enqueue("first").await;
    assert!(!world.next_solve().await.1.plan.unwrap().text.is_empty());
    assert_eq!(asked(&world), 3);
}

#[tokio::test]
async fn without_a_model_the_question_goes_on_without_a_plan() {
    let mut world = World::new(usize::MAX, FaultKind::Deadline).await;
    let _service = world.serve().await;
    world.submit().await;
    world.enqueue("first").await;
    assert!(world.next_solve().await.1.plan.unwrap().text.is_empty());
    assert_eq!(asked(&world), 3);
}

#[tokio::test]
async fn a_model_that_refuses_for_good_fails_the_question() {
    let world = World::new(usize::MAX, FaultKind::Invalid).await;
    let _service = world.serve().await;
    world.submit().await;
    world.enqueue("first").await;
    let EventKind::Failed { fault, .. } = world.until_journal_holds("failed").await else { panic!() };
    assert_eq!(fault.message, "plan: the script says so");
    assert_eq!(asked(&world), 1);
}

#[tokio::test]
async fn a_planned_question_is_only_sent_on() {
    let mut world = World::new(0, FaultKind::Unavailable).await;
    world.submit().await;
    let plan = Plan { text: "made before a crash".into(), model: "x".into(), usage: Usage::default() };
    world.append(EventKind::Planned { plan }).await;
    world.enqueue("first").await;
    let _service = world.serve().await;
    assert_eq!(world.next_solve().await.1.plan.unwrap().text, "made before a crash");
    assert_eq!(asked(&world), 0);
}

#[tokio::test]
async fn a_cancelled_question_is_left_alone() {
    let world = World::new(0, FaultKind::Unavailable).await;
    world.submit().await;
    world.append(EventKind::Cancelled { reason: "enough".into() }).await;
    world.enqueue("first").await;
    let service = world.serve().await;
    spatialclaw_runtime::Service::drain(Box::new(service), Duration::from_secs(5)).await;
    assert_eq!(world.journal().await.len(), 2);
    assert_eq!(asked(&world), 0);
}

#[tokio::test]
async fn a_job_without_a_journal_is_dead() {
    let world = World::new(0, FaultKind::Unavailable).await;
    let _service = world.serve().await;
    world.stray("stray").await;
    let reason = world.buried("stray").await;
    assert!(reason.contains("holds no submission"), "{reason}");
}
