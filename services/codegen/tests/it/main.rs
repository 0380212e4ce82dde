//! A codegen on an in-process bus: real queue, real journal, scripted model, played kernels.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by where it panics")]

mod world;

use std::{sync::Arc, time::Duration};

use spatialclaw_bus::Queue;
use spatialclaw_domain::{Budget, EventKind, FaultKind};
use spatialclaw_models::backbone::template::Template;
use spatialclaw_proto::kernel::v1::{VisionReply, VisionRequest};
use spatialclaw_runtime::Service as _;
use world::{Model, Says, World, about, names};

const PLANNED: [&str; 2] = ["submitted", "planned"];

fn after_plan(journal: &[EventKind]) -> Vec<&str> {
    let names = names(journal);
    assert_eq!(names[..2], PLANNED);
    names[2..].to_vec()
}

#[tokio::test]
async fn a_question_is_answered() {
    let world = World::new().await;
    let model = Model::new(&world, vec![Says::Code("print 2.41"), Says::Code("answer 2.4 m")]);
    let service = world.serve(model.clone()).await;
    world.submit().await;
    let journal = world.journal().await;
    assert_eq!(after_plan(&journal), ["cell_written", "observed", "cell_written", "observed", "answered"]);
    let Some(EventKind::Answered { answer, steps: 2, usage, .. }) = journal.last() else {
        panic!("{journal:?}")
    };
    assert_eq!((answer.text.as_str(), usage.calls), ("2.4", 2));
    world.log.until("release 1").await;
    assert_eq!(
        world.log.kernels(),
        ["lease 1", "run 1 on 1: print 2.41", "run 2 on 1: answer 2.4 m", "release 1"]
    );
    let read = model.read();
    assert!(read[0].starts_with("## Plan\nMeasure it."), "{}", read[0]);
    assert!(read[1].starts_with("## Step 1: ok (0.01 s)\n### Output\n2.41\n"), "{}", read[1]);
    Box::new(service).drain(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_cannot_be_read_or_run_is_mended() {
    let world = World::new().await;
    let script =
        vec![Says::Text("2.4?"), Says::Code("fail"), Says::Code("answer far"), Says::Code("answer 2.4")];
    let model = Model::new(&world, script);
    let _service = world.serve(model.clone()).await;
    world.submit().await;
    let journal = world.journal().await;
    let read = model.read();
    let began: Vec<&str> = read.iter().filter_map(|text| text.lines().next()).collect();
    assert_eq!(
        began[1..],
        ["## Step 1: not understood", "## Step 2: error (0.01 s)", "## Step 3: answer refused"]
    );
    assert!(read[2].contains("ValueError: no such verb\nline 1: fail"), "{}", read[2]);
    assert!(matches!(journal.last(), Some(EventKind::Answered { steps: 4, .. })), "{journal:?}");
}

#[tokio::test]
async fn a_model_may_say_that_it_cannot() {
    let world = World::new().await;
    let model = Model::new(&world, vec![Says::Text("**Cannot Answer**\nThere is no chair.")]);
    let _service = world.serve(model).await;
    world.submit().await;
    let journal = world.journal().await;
    let Some(EventKind::Unanswered { reason, .. }) = journal.last() else { panic!("{journal:?}") };
    assert_eq!(reason, "There is no chair.");
    world.log.until("lease 1").await;
    world.log.until("release 1").await;
}

#[tokio::test]
async fn steps_run_out() {
    let world = World::new().await;
    let _service = world.serve(Model::new(&world, vec![Says::Code("print again")])).await;
    world.submit_with(Budget { steps: 3, ..Budget::default() }).await;
    let journal = world.journal().await;
    let Some(EventKind::Unanswered { reason, steps: 3, .. }) = journal.last() else { panic!("{journal:?}") };
    assert_eq!(reason, "the budget of 3 steps is used up");
}

#[tokio::test]
async fn the_clock_runs_out_under_a_cell() {
    let world = World::new().await;
    let _service = world.serve(Model::new(&world, vec![Says::Code("hang")])).await;
    world.submit_with(Budget { question_seconds: 1, ..Budget::default() }).await;
    let journal = world.journal().await;
    let Some(EventKind::Unanswered { reason, .. }) = journal.last() else { panic!("{journal:?}") };
    assert_eq!(reason, "the budget of 1 seconds is used up");
    world.log.until("interrupt 1").await;
    world.log.until("release 1").await;
}

#[tokio::test]
async fn a_cancelled_question_lets_its_kernel_go() {
    let world = World::new().await;
    let _service = world.serve(Model::new(&world, vec![Says::Code("hang")])).await;
    world.submit().await;
    world.log.until("run 1 on 1: hang").await;
    world.append(EventKind::Cancelled { reason: "enough".into() }).await;
    world.log.until("interrupt 1").await;
    world.log.until("release 1").await;
    assert_eq!(after_plan(&world.journal().await), ["cell_written", "cancelled"]);
    assert!(world.bus.dead(Queue::Solve, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_question_cancelled_in_the_queue_is_left_alone() {
    let world = World::new().await;
    world.submit().await;
    world.append(EventKind::Cancelled { reason: "enough".into() }).await;
    let service = world.serve(Model::new(&world, vec![Says::Code("print 1")])).await;
    world.enqueue("another").await;
    Box::new(service).drain(Duration::from_secs(5)).await;
    assert_eq!(after_plan(&world.journal().await), ["cancelled"]);
    assert!(world.log.lines().is_empty());
}

#[tokio::test]
async fn a_lost_kernel_is_replaced_and_its_cells_are_replayed_in_order() {
    let world = World::new().await;
    let script =
        vec![Says::Code("print a"), Says::Code("print b"), Says::Code("die"), Says::Code("answer 2.4")];
    let model = Model::new(&world, script);
    let _service = world.serve(model.clone()).await;
    world.submit().await;
    let journal = world.journal().await;
    assert_eq!(
        after_plan(&journal)[4..],
        ["cell_written", "kernel_lost", "observed", "cell_written", "observed", "answered"]
    );
    world.log.until("release 2").await;
    assert_eq!(
        world.log.kernels(),
        [
            "lease 1",
            "run 1 on 1: print a",
            "run 2 on 1: print b",
            "run 3 on 1: die",
            "lease 2",
            "run 1 on 2: print a",
            "run 2 on 2: print b",
            "run 3 on 2: die",
            "run 4 on 2: answer 2.4",
            "release 2"
        ]
    );
    assert!(model.read()[3].contains("survived"));
}

#[tokio::test]
async fn a_session_whose_codegen_died_is_resumed_by_another() {
    let world = World::new().await;
    let first = Model::new(&world, vec![Says::Code("print a"), Says::Code("print b"), Says::Nothing]);
    let service = world.serve(first).await;
    world.submit().await;
    world.log.until("asked 3").await;
    drop(service);
    let second = Model::new(&world, vec![Says::Panic, Says::Panic, Says::Code("answer 2.4")]);
    let _service = world.serve(second.clone()).await;
    let journal = world.journal().await;
    assert!(matches!(journal.last(), Some(EventKind::Answered { steps: 3, .. })), "{journal:?}");
    let runs: Vec<String> = world.log.kernels().into_iter().filter(|line| line.contains("on 2")).collect();
    assert_eq!(runs, ["run 1 on 2: print a", "run 2 on 2: print b", "run 3 on 2: answer 2.4"]);
    assert_eq!(
        names(&journal).iter().filter(|name| **name == "observed").count(),
        3,
        "replays are not journaled"
    );
}

#[tokio::test]
async fn a_cell_under_way_when_its_codegen_died_is_run_again_unpaid() {
    let world = World::new().await;
    let service = world.serve(Model::new(&world, vec![Says::Code("print a"), Says::Code("hang")])).await;
    world.submit().await;
    world.log.until("run 2 on 1: hang").await;
    drop(service);
    // Given back, or else dead with its codegen; either way nobody answers for the cell.
    let second = Model::new(&world, vec![Says::Panic, Says::Panic, Says::Code("answer 2.4")]);
    let _service = world.serve(second).await;
    world.log.until("run 2 on 2: hang").await;
    world.append(EventKind::Cancelled { reason: "seen enough".into() }).await;
    assert_eq!(after_plan(&world.journal().await), ["cell_written", "observed", "cell_written", "cancelled"]);
}

#[tokio::test]
async fn two_codegens_on_one_session_do_not_double_it() {
    let world = World::new().await;
    let script = vec![Says::Together(2, "print a"), Says::Code("print b"), Says::Code("answer 2.4")];
    let model = Model::new(&world, script);
    let _one = world.serve(model.clone()).await;
    let _two = world.serve(model.clone()).await;
    world.submit().await;
    world.enqueue("the same again").await;
    let journal = world.journal().await;
    assert_eq!(
        after_plan(&journal),
        ["cell_written", "observed", "cell_written", "observed", "cell_written", "observed", "answered"]
    );
    let asked = |step: &str| world.log.lines().iter().filter(|line| *line == step).count();
    assert_eq!((asked("asked 1"), asked("asked 2"), asked("asked 3")), (2, 1, 1), "the loser leaves at once");
}

#[tokio::test]
async fn without_an_executor_the_question_fails_after_its_deliveries() {
    let world = World::with(false, 2).await;
    let model = Model::new(&world, vec![Says::Code("print a")]);
    let _service = world.serve_with(model, |config| config.lease_deadline = Duration::ZERO).await;
    world.submit().await;
    let journal = world.journal().await;
    let Some(EventKind::Failed { fault, .. }) = journal.last() else { panic!("{journal:?}") };
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.message.starts_with("lease a kernel: "), "{}", fault.message);
}

#[tokio::test]
async fn a_model_that_refuses_for_good_fails_the_question_at_once() {
    let world = World::new().await;
    let _service = world.serve(Model::new(&world, vec![Says::Fault(FaultKind::Invalid)])).await;
    world.submit().await;
    let journal = world.journal().await;
    let Some(EventKind::Failed { fault, .. }) = journal.last() else { panic!("{journal:?}") };
    assert_eq!(fault.message, "ask the model: the script says so");
    assert_eq!(world.log.lines().iter().filter(|line| *line == "asked 1").count(), 1);
}

#[tokio::test]
async fn a_session_that_panics_takes_nobody_with_it() {
    let world = World::with(true, 2).await;
    let _service = world.serve(Model::new(&world, vec![Says::Panic])).await;
    world.submit().await;
    let journal = world.journal().await;
    let Some(EventKind::Failed { fault, .. }) = journal.last() else { panic!("{journal:?}") };
    assert_eq!(fault.kind, FaultKind::Internal);
    assert_eq!(
        world.log.lines().iter().filter(|line| *line == "asked 1").count(),
        2,
        "both deliveries were tried"
    );
}

#[tokio::test]
async fn a_damaged_journal_ends_the_question_and_is_listed() {
    let world = World::new().await;
    let question = world.question();
    world.append(EventKind::Submitted { question: question.clone(), traceparent: String::new() }).await;
    world.append(EventKind::Submitted { question, traceparent: String::new() }).await;
    let _service = world.serve(Model::new(&world, vec![Says::Code("print a")])).await;
    world.enqueue("job").await;
    let journal = world.journal().await;
    let Some(EventKind::Failed { fault, .. }) = journal.last() else { panic!("{journal:?}") };
    assert!(fault.message.contains("submitted before"), "{}", fault.message);
}

const SEEN: &str = "asked to locate, Question: the chair";

fn times(world: &World, line: &str) -> usize {
    world.log.lines().iter().filter(|it| *it == line).count()
}

#[tokio::test]
async fn a_question_of_a_cell_is_answered_journaled_and_booked() {
    let world = World::new().await;
    let model = Model::new(&world, vec![Says::Code("see the chair"), Says::Code("answer 2.4")]);
    let _service = world.serve(model.clone()).await;
    world.submit().await;
    let journal = world.journal().await;
    let EventKind::Observed { observation: seen, .. } = &journal[3] else { panic!("{journal:?}") };
    assert_eq!(
        (seen.vision[0].answer.as_str(), seen.vision[0].asked.text.as_str()),
        ("(500, 500)", "the chair")
    );
    let Some(EventKind::Answered { usage, .. }) = journal.last() else { panic!("{journal:?}") };
    assert_eq!((usage.calls, usage.prompt_tokens), (3, 30), "two cells and a look");
    assert!(model.read()[1].contains("(500, 500)"));
}

#[tokio::test]
async fn a_replay_does_not_ask_again() {
    let world = World::new().await;
    let script = vec![Says::Code("see the chair"), Says::Code("die"), Says::Code("answer 2.4")];
    let _service = world.serve(Model::new(&world, script)).await;
    world.submit().await;
    let journal = world.journal().await;
    assert!(world.log.kernels().contains(&"run 1 on 2: see the chair".to_owned()));
    assert_eq!(times(&world, SEEN), 1);
    let Some(EventKind::Answered { usage, .. }) = journal.last() else { panic!("{journal:?}") };
    assert_eq!(usage.calls, 4, "three cells and one look");
}

#[tokio::test]
async fn another_codegen_replays_from_the_journal_alone() {
    let world = World::new().await;
    let service = world.serve(Model::new(&world, vec![Says::Code("see the chair"), Says::Nothing])).await;
    world.submit().await;
    world.log.until("asked 2").await;
    drop(service);
    let _service = world.serve(Model::new(&world, vec![Says::Panic, Says::Code("answer 2.4")])).await;
    let journal = world.journal().await;
    assert!(world.log.kernels().contains(&"run 1 on 2: see the chair".to_owned()));
    assert_eq!(times(&world, SEEN), 1);
    let Some(EventKind::Answered { usage, .. }) = journal.last() else { panic!("{journal:?}") };
    assert_eq!(usage.calls, 3, "two cells and one look");
}

#[tokio::test]
async fn an_answer_whose_kernel_died_before_it_was_journaled_is_paid_once() {
    let world = World::new().await;
    let script = vec![Says::Code("seedie the chair"), Says::Code("answer 2.4")];
    let _service = world.serve(Model::new(&world, script)).await;
    world.submit().await;
    let journal = world.journal().await;
    assert_eq!(
        after_plan(&journal),
        ["cell_written", "kernel_lost", "observed", "cell_written", "observed", "answered"]
    );
    assert_eq!(times(&world, SEEN), 1);
    let Some(EventKind::Answered { usage, .. }) = journal.last() else { panic!("{journal:?}") };
    assert_eq!(usage.calls, 3, "and booked once");
}

#[tokio::test]
async fn a_backbone_that_cannot_see_says_so() {
    let world = World::new().await;
    let config = spatialclaw_codegen::Config::default();
    let _service = spatialclaw_codegen::spawn(world.bus.clone(), Arc::new(Template), config).await.unwrap();
    let ask = async |session: String, text: &str| {
        let request = VisionRequest { session, asked: Some(about(text).into()) };
        world.bus.ask::<_, VisionReply>("vision", &request, Duration::from_secs(30)).await.unwrap_err()
    };
    let fault = ask(world.session.to_string(), "the chair").await;
    assert_eq!(fault.kind, FaultKind::Invalid);
    assert!(fault.message.contains("cannot see"), "{fault}");
    assert!(ask(world.session.to_string(), " ").await.message.contains("takes a question"));
    assert!(ask("nobody".to_owned(), "the chair").await.message.contains("nobody's"));
}

#[tokio::test]
async fn a_full_pool_costs_no_delivery() {
    let world = World::with(true, 1).await;
    world.is_full_for(8);
    let model = Model::new(&world, vec![Says::Code("answer 2.4")]);
    let _service = world.serve_with(model, |config| config.lease_deadline = Duration::ZERO).await;
    world.submit().await;
    let journal = world.journal().await;
    assert_eq!(after_plan(&journal), ["cell_written", "observed", "answered"]);
    assert_eq!(times(&world, "full"), 8);
    assert_eq!(owners(&world).len(), 1, "it goes on asking under one name");
}

#[tokio::test]
async fn two_last_deliveries_of_one_session_bury_nothing() {
    let world = World::with(true, 1).await;
    let model = Model::new(&world, vec![Says::Together(2, "print a"), Says::Code("answer 2.4")]);
    let service = world.serve(model).await;
    world.submit().await;
    world.enqueue("the same again").await;
    let journal = world.journal().await;
    assert!(matches!(journal.last(), Some(EventKind::Answered { .. })), "{journal:?}");
    Box::new(service).drain(Duration::from_secs(10)).await;
    assert_eq!(world.bus.dead(Queue::Solve, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_kernel_that_does_not_hear_is_given_back_again() {
    let world = World::new().await;
    let model = Model::new(&world, vec![Says::Code("deafen"), Says::Code("answer 2.4")]);
    let _service = world.serve(model).await;
    world.submit().await;
    world.log.until("release 1 unheard").await;
    world.log.until("release 1").await;
}

/// The lease keys that kernels were asked for by, each once, in order.
fn owners(world: &World) -> Vec<String> {
    let lines = world.log.lines();
    let mut owners: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix("asked for by ")).collect();
    owners.dedup();
    owners.into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_kernel_that_is_given_up_has_no_owner() {
    let world = World::new().await;
    let script = vec![Says::Code("die"), Says::Code("hang")];
    let _service = world.serve(Model::new(&world, script)).await;
    world.submit().await;
    world.log.until("run 2 on 2: hang").await;
    let [first, second] = &owners(&world)[..] else { panic!("{:?}", owners(&world)) };
    tokio::time::timeout(Duration::from_secs(30), world.bus.lapsed(first)).await.unwrap().unwrap();
    assert!(world.bus.hold(second, Duration::from_secs(1)).await.is_err(), "{second} is held");
}

#[tokio::test]
async fn a_kernel_whose_news_is_lost_has_no_owner() {
    let world = World::new().await;
    world.loses_lease(1);
    let _service = world.serve(Model::new(&world, vec![Says::Code("hang")])).await;
    world.submit().await;
    world.log.until("run 1 on 2: hang").await;
    let [first, _] = &owners(&world)[..] else { panic!("{:?}", owners(&world)) };
    tokio::time::timeout(Duration::from_secs(30), world.bus.lapsed(first)).await.unwrap().unwrap();
}

#[tokio::test]
async fn kernels_are_leased_for_as_long_as_their_codegen_lives() {
    let world = World::new().await;
    let service = world.serve(Model::new(&world, vec![Says::Code("hang")])).await;
    world.submit().await;
    world.log.until("run 1 on 1: hang").await;
    let lines = world.log.lines();
    let owner = lines.iter().find_map(|line| line.strip_prefix("asked for by ")).unwrap();
    assert!(world.bus.hold(owner, Duration::from_secs(1)).await.is_err(), "{owner} is held");
    drop(service);
    tokio::time::timeout(Duration::from_secs(30), world.bus.lapsed(owner)).await.unwrap().unwrap();
}
