//! The session by table: one happening after another, effects compared.

use spatialclaw_domain::{AnswerType, Budget, Question, Usage};
use spatialclaw_models::Finish;

use super::*;
use crate::fixture;

const NOW: u64 = fixture::SUBMITTED_AT + 1000;

pub(super) fn limits() -> Limits {
    Limits {
        key_frames: 2,
        answer_bounces: 2,
        kernel_losses: 2,
        session_losses: 5,
        model_attempts: 3,
        model_backoff: Duration::from_secs(1),
        lease_deadline: Duration::from_secs(60),
        lease_backoff: Duration::from_secs(1),
        retry_wait: Duration::from_secs(5),
        yield_wait: Duration::from_secs(30),
    }
}

pub(super) fn reply(text: &str) -> ChatReply {
    ChatReply { text: text.into(), finish: Finish::Stop, usage: fixture::usage(), model: "test".into() }
}

pub(super) fn cell(code: &str) -> ChatReply {
    reply(&format!("**Purpose**\na\n**Reasoning**\nb\n**Next Goal**\nc\n**Code**\n```python\n{code}\n```"))
}

pub(super) fn kernel(n: u32) -> Lease {
    Lease { kernel: KernelId::named(&n.to_string()), walls: "test".into() }
}

fn unavailable() -> Fault {
    Fault::new(FaultKind::Unavailable, "nobody there")
}

/// A session under a test's hands: appends stand at once, the rest is fed.
struct Bench {
    session: Session,
    now: u64,
    seen: Vec<Effect>,
    journal: Vec<EventKind>,
    seq: u64,
}

impl Bench {
    fn resume(question: Question, limits: Limits, is_last: bool, events: Vec<EventKind>) -> Self {
        let journal = fixture::journal_of(question, events);
        let transcript = Transcript::fold(fixture::session(), &journal).unwrap();
        let seq = transcript.last;
        let session = Session::new(transcript, limits, is_last, NOW);
        let mut bench = Self { session, now: NOW, seen: vec![], journal: vec![], seq };
        bench.feed(Input::Tick);
        bench
    }

    fn new() -> Self {
        Self::resume(fixture::question(), limits(), false, vec![fixture::planned("look")])
    }

    fn feed(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for effect in self.session.handle(input, self.now).unwrap() {
                if let Effect::Append(kind) = &effect {
                    self.journal.push(kind.clone());
                    self.seq += 1;
                    inputs.push_back(Input::Appended(self.seq));
                }
                self.seen.push(effect);
            }
        }
    }

    /// What was done since last asked, without wakes and appends.
    fn done(&mut self) -> Vec<String> {
        let effects = std::mem::take(&mut self.seen);
        effects.iter().filter_map(short).collect()
    }

    fn leased(&mut self, n: u32) {
        self.feed(Input::Leased(Ok(kernel(n))));
    }

    fn replied(&mut self, reply: ChatReply) {
        self.feed(Input::Replied(Ok(reply), 1.0));
    }

    fn ran(&mut self, n: u32, step: u32, outcome: Result<Observation, Loss>) {
        self.feed(Input::Ran { kernel: kernel(n).kernel, step, outcome });
    }

    fn names(&self) -> Vec<&str> {
        self.journal.iter().map(EventKind::name).collect()
    }
}

fn short(effect: &Effect) -> Option<String> {
    let named = |kernel: &KernelId| (0..10).find(|n| KernelId::named(&n.to_string()) == *kernel).unwrap();
    Some(match effect {
        Effect::Ask { step, .. } => format!("ask {step}"),
        Effect::Lease => "lease".into(),
        Effect::Run(run) if run.replay => format!("replay {} on {}", run.step, named(&run.kernel)),
        Effect::Run(run) => format!("run {} on {}", run.step, named(&run.kernel)),
        Effect::ReplayDiffers { step, what } => format!("{what} of {step} differs"),
        Effect::Release { kernel, interrupt: true } => format!("interrupt and release {}", named(kernel)),
        Effect::Release { kernel, .. } => format!("release {}", named(kernel)),
        Effect::Stop(End::Finished) => "finished".into(),
        Effect::Stop(End::Later { .. }) => "later".into(),
        Effect::Stop(End::Yield { .. }) => "yield".into(),
        Effect::Append(_) | Effect::Wake(_) => return None,
    })
}

#[test]
fn from_plan_to_answer() {
    let mut bench = Bench::new();
    assert_eq!(bench.done(), ["lease", "ask 1"], "the kernel comes while the first cell is written");
    bench.leased(1);
    bench.replied(cell("print(1)"));
    assert_eq!(bench.done(), ["run 1 on 1"]);
    bench.ran(1, 1, Ok(fixture::rich(1)));
    assert_eq!(bench.done(), ["ask 2"]);
    bench.replied(cell("ReturnAnswer(2.4)"));
    bench.ran(1, 2, Ok(fixture::answering(2, "2.4 m")));
    assert_eq!(bench.done(), ["run 2 on 1", "release 1", "finished"]);
    assert_eq!(bench.names(), ["cell_written", "observed", "cell_written", "observed", "answered"]);
    let Some(EventKind::Answered { answer, steps, usage, seconds, evidence }) = bench.journal.last() else {
        panic!()
    };
    assert_eq!((answer.text.as_str(), answer.number, *steps), ("2.4", Some(2.4), 2));
    assert_eq!(usage.calls, 3, "the plan and two cells");
    assert_eq!(*seconds, 1.0, "from the submission");
    assert_eq!(*evidence, [fixture::image("a"), fixture::image("b")]);
}

#[test]
fn a_cell_waits_for_its_kernel() {
    let mut bench = Bench::new();
    bench.replied(cell("print(1)"));
    assert_eq!(bench.done(), ["lease", "ask 1"]);
    bench.leased(1);
    assert_eq!(bench.done(), ["run 1 on 1"]);
}

#[test]
fn an_unreadable_reply_costs_a_step_and_is_explained() {
    let mut bench = Bench::new();
    bench.done();
    bench.replied(reply("2.4 I guess"));
    assert_eq!(bench.done(), ["ask 2"]);
    let Some(EventKind::ReplyRejected { step: 1, reason, raw, .. }) = bench.journal.last() else { panic!() };
    assert_eq!(raw, "2.4 I guess");
    assert!(reason.contains("**Purpose**"), "{reason}");
}

#[test]
fn a_reply_too_long_for_the_journal_is_cut() {
    let mut bench = Bench::new();
    bench.replied(cell(&"ü".repeat(MAX_REPLY_BYTES)));
    let Some(EventKind::ReplyRejected { raw, .. }) = bench.journal.last() else { panic!() };
    assert!(raw.len() <= MAX_REPLY_BYTES);
}

#[test]
fn giving_up_ends_with_the_models_reason_and_its_cost() {
    let mut bench = Bench::new();
    bench.leased(1);
    bench.done();
    bench.replied(reply("**Cannot Answer**\nThere is no chair."));
    assert_eq!(bench.done(), ["release 1", "finished"]);
    let usage = Usage { calls: 2, prompt_tokens: 200, completion_tokens: 20, cached_tokens: 0 };
    let unanswered =
        EventKind::Unanswered { reason: "There is no chair.".into(), steps: 0, usage, seconds: 1.0 };
    assert_eq!(bench.journal, [unanswered]);
}

#[test]
fn a_resumed_session_replays_what_was_observed_and_runs_what_was_not() {
    let events = vec![
        fixture::planned("look"),
        fixture::written(1, "a = 1"),
        fixture::observed(1, "1"),
        fixture::rejected(2),
        fixture::written(3, "b = 2"),
        fixture::observed(3, "2"),
        fixture::written(4, "c = 3"),
    ];
    let mut bench = Bench::resume(fixture::question(), limits(), false, events);
    assert_eq!(bench.done(), ["lease"], "its reply is paid for");
    bench.leased(1);
    bench.ran(1, 1, Ok(fixture::observation(1, "1")));
    bench.ran(1, 3, Ok(fixture::observation(3, "two")));
    assert_eq!(bench.done(), ["replay 1 on 1", "replay 3 on 1", "output of 3 differs", "run 4 on 1"]);
    assert!(bench.journal.is_empty(), "a replay is not journaled");
    bench.ran(1, 4, Ok(fixture::observation(4, "3")));
    assert_eq!(bench.done(), ["ask 5"]);
}

#[test]
fn a_lost_kernel_is_replaced_and_its_cell_run_again() {
    let mut bench = Bench::new();
    bench.leased(1);
    bench.replied(cell("a = 1"));
    bench.ran(1, 1, Ok(fixture::observation(1, "")));
    bench.replied(cell("b = 2"));
    bench.done();
    bench.feed(Input::Lapsed(kernel(1).kernel));
    assert_eq!(bench.done(), ["interrupt and release 1", "lease"]);
    bench.ran(1, 2, Ok(fixture::observation(2, "too late")));
    bench.leased(2);
    bench.ran(2, 1, Ok(fixture::observation(1, "")));
    assert_eq!(bench.done(), ["replay 1 on 2", "run 2 on 2"]);
    assert_eq!(
        bench.journal.last(),
        Some(&EventKind::KernelLost { step: 2, reason: "its executor went silent".into() })
    );
}

#[test]
fn an_idle_kernel_that_goes_away_is_replaced_while_the_model_thinks() {
    let mut bench = Bench::new();
    bench.leased(1);
    bench.done();
    bench.feed(Input::Lapsed(kernel(1).kernel));
    assert_eq!(bench.done(), ["release 1", "lease"]);
    assert!(matches!(bench.journal.last(), Some(EventKind::KernelLost { step: 1, .. })));
    bench.replied(cell("a = 1"));
    bench.leased(2);
    assert_eq!(bench.done(), ["run 1 on 2"]);
    assert_eq!(bench.session.transcript().pending().unwrap().losses, 0, "the cell was not even written");
}

#[test]
fn a_cell_under_which_every_kernel_goes_is_shown_its_loss() {
    let mut bench = Bench::new();
    bench.replied(cell("a = 0"));
    for n in 1..=2 {
        bench.leased(n);
        bench.ran(n, 1, Err(Loss::Gone("its executor went silent".into())));
    }
    assert_eq!(bench.names(), ["cell_written", "kernel_lost", "kernel_lost", "observed"]);
    let Some(EventKind::Observed { observation, .. }) = bench.journal.last() else { panic!() };
    assert!(observation.state_lost && observation.error.as_ref().unwrap().message.contains("2 times"));
    assert_eq!(bench.done().last().unwrap(), "ask 2", "the model may try something else");
    bench.replied(cell("a = 1"));
    bench.leased(3);
    assert_eq!(bench.done(), ["run 2 on 3"], "what killed kernels is not replayed");
}

#[test]
fn a_cell_that_costs_its_interpreter_is_the_models_to_see_and_no_loss() {
    let mut bench = Bench::new();
    for step in 1..=6 {
        bench.leased(step);
        bench.replied(cell("os._exit(1)"));
        bench.done();
        let mut died = fixture::failing(step);
        died.error.as_mut().unwrap().kind = "KernelDied".into();
        bench.ran(step, step, Ok(Observation { state_lost: true, ..died }));
        let [release, lease, ask] = &bench.done()[..] else { panic!() };
        let expected = (format!("release {step}"), "lease".to_owned(), format!("ask {}", step + 1));
        assert_eq!((release.clone(), lease.clone(), ask.clone()), expected);
    }
    assert_eq!(bench.names(), ["cell_written", "observed"].repeat(6), "more often than losses are allowed");
    assert_eq!(bench.session.transcript().losses, 0);
}

/// What comes of a cell that had to be killed at its deadline.
pub(super) fn overrun(step: u32) -> Observation {
    let mut killed = fixture::failing(step);
    killed.error.as_mut().unwrap().kind = "TimeoutError".into();
    Observation { state_lost: true, ..killed }
}

#[test]
fn a_cell_killed_at_its_deadline_is_not_run_again() {
    let mut bench = Bench::new();
    bench.leased(1);
    bench.replied(cell("while True: pass"));
    bench.done();
    bench.ran(1, 1, Ok(overrun(1)));
    assert_eq!(bench.done(), ["release 1", "lease", "ask 2"]);
    assert_eq!(bench.names(), ["cell_written", "observed"]);
}

#[test]
fn a_replayed_cell_killed_at_its_deadline_is_a_lost_kernel() {
    let events = vec![fixture::written(1, "slow()"), fixture::observed(1, "")];
    let mut bench = Bench::resume(fixture::question(), limits(), false, events);
    bench.leased(1);
    bench.ran(1, 1, Ok(overrun(1)));
    bench.leased(2);
    assert_eq!(bench.done(), ["lease", "ask 2", "replay 1 on 1", "release 1", "lease", "replay 1 on 2"]);
    assert_eq!(bench.names(), ["kernel_lost"], "its first observation stands");
}

#[test]
fn a_session_that_loses_every_kernel_fails() {
    let mut bench = Bench::new();
    for n in 1..=5 {
        bench.leased(n);
        bench.feed(Input::Lapsed(kernel(n).kernel));
    }
    let Some(EventKind::Failed { fault, .. }) = bench.journal.last() else { panic!("{:?}", bench.journal) };
    assert_eq!(
        (fault.kind, fault.message.as_str()),
        (FaultKind::Unavailable, "5 kernels were lost under this question")
    );
}

#[test]
fn a_cell_the_executor_refuses_is_the_models_to_mend() {
    let mut bench = Bench::new();
    bench.leased(1);
    bench.replied(cell("a = 1"));
    bench.ran(1, 1, Err(Loss::Refused("a NUL byte in the code".into())));
    assert_eq!(bench.done(), ["lease", "ask 1", "run 1 on 1", "ask 2"]);
    let Some(EventKind::Observed { observation, .. }) = bench.journal.last() else { panic!() };
    assert_eq!(observation.error.as_ref().unwrap().message, "a NUL byte in the code");
}

#[test]
fn a_cancelled_session_stops_at_once() {
    let mut bench = Bench::new();
    bench.leased(1);
    bench.replied(cell("slow()"));
    bench.done();
    bench.feed(Input::Seen(99, fixture::cancelled()));
    assert_eq!(bench.done(), ["interrupt and release 1", "finished"]);
    bench.ran(1, 1, Ok(fixture::answering(1, "2.4")));
    bench.replied(cell("x"));
    bench.leased(2);
    assert_eq!(bench.done(), ["release 2"], "a lease that comes too late goes back");
}

#[test]
fn its_own_entries_are_no_news() {
    let mut bench = Bench::new();
    bench.done();
    bench.feed(Input::Seen(1, fixture::cancelled()));
    assert!(bench.done().is_empty(), "an entry before our last is none of others");
}

#[test]
fn a_refused_append_makes_way() {
    for (entries, end) in [
        (vec![(9, fixture::at(fixture::cancelled()))], "finished"),
        (vec![(9, fixture::at(fixture::written(1, "theirs")))], "yield"),
    ] {
        let mut bench = Bench::new();
        bench.leased(1);
        let now = bench.now;
        let appended = bench.session.handle(Input::Replied(Ok(cell("a = 1")), 1.0), now).unwrap();
        assert!(matches!(appended[..], [Effect::Append(_)]));
        bench.done();
        bench.feed(Input::Refused(entries));
        assert_eq!(bench.done(), ["release 1", end]);
    }
}

/// A session whose first cell is about to be journaled.
fn appending(is_last: bool) -> Bench {
    let mut bench = Bench::resume(fixture::question(), limits(), is_last, vec![fixture::planned("look")]);
    bench.leased(1);
    bench.done();
    let now = bench.now;
    let appended = bench.session.handle(Input::Replied(Ok(cell("a = 1")), 1.0), now).unwrap();
    assert!(matches!(appended[..], [Effect::Append(EventKind::CellWritten { .. })]));
    bench
}

#[test]
fn an_entry_that_no_journal_takes_ends_the_question() {
    for is_last in [false, true] {
        let mut bench = appending(is_last);
        let fault = Fault::new(FaultKind::Invalid, format!("the entry is too large {}", "!".repeat(5000)));
        bench.feed(Input::NotAppended(fault));
        let [EventKind::Failed { fault, .. }] = &bench.journal[..] else { panic!("{:?}", bench.journal) };
        assert!(fault.message.starts_with("write the journal: the entry is too large"), "{fault}");
        assert!(fault.message.len() <= 1000, "small enough itself");
        assert_eq!(bench.done(), ["release 1", "finished"]);
    }
}

#[test]
fn a_journal_that_cannot_be_written_now_is_gone_on_with_later_if_there_is_a_later() {
    let mut bench = appending(false);
    bench.feed(Input::NotAppended(unavailable()));
    assert_eq!(bench.done(), ["release 1", "later"]);

    let mut bench = appending(true);
    let now = bench.now;
    for _ in 1..LAST_APPENDS {
        let again = bench.session.handle(Input::NotAppended(unavailable()), now).unwrap();
        assert!(matches!(again[..], [Effect::Append(EventKind::CellWritten { .. })]), "{again:?}");
    }
    let last = bench.session.handle(Input::NotAppended(unavailable()), now).unwrap();
    let failed = |effect: &Effect| matches!(effect, Effect::Append(EventKind::Failed { .. }));
    assert!(last.iter().any(failed), "{last:?}");
    bench.feed(Input::NotAppended(unavailable()));
    assert_eq!(bench.done(), ["later"], "nothing more can be said");
}

#[test]
fn an_entry_that_seemed_to_have_failed_and_stands_is_gone_on_from() {
    let mut bench = appending(true);
    let now = bench.now;
    let again = bench.session.handle(Input::NotAppended(unavailable()), now).unwrap();
    let [Effect::Append(entry)] = &again[..] else { panic!("{again:?}") };
    bench.feed(Input::Refused(vec![(9, fixture::at(entry.clone()))]));
    assert_eq!(bench.done(), ["run 1 on 1"]);
}

#[test]
fn a_model_that_fails_is_asked_again_then_the_job_goes_back() {
    let mut bench = Bench::new();
    bench.leased(1);
    bench.done();
    bench.feed(Input::Replied(Err(unavailable()), 0.0));
    assert!(bench.done().is_empty(), "not before a wait");
    for _ in 0..2 {
        bench.now += 15_000;
        bench.feed(Input::Tick);
        assert_eq!(bench.done(), ["ask 1"], "a transport error costs no step");
        bench.feed(Input::Replied(Err(unavailable()), 0.0));
    }
    assert_eq!(bench.done(), ["release 1", "later"]);
    assert!(bench.journal.is_empty());
}

#[test]
fn on_the_last_delivery_a_fault_ends_the_question() {
    let one = Limits { model_attempts: 1, ..limits() };
    let mut bench = Bench::resume(fixture::question(), one, true, vec![]);
    bench.feed(Input::Replied(Err(unavailable()), 0.0));
    assert_eq!(bench.done(), ["lease", "ask 1", "finished"]);
    let Some(EventKind::Failed { fault, .. }) = bench.journal.last() else { panic!() };
    assert_eq!(fault.message, "ask the model: nobody there");
    bench.leased(1);
    assert_eq!(bench.done(), ["release 1"]);
}

#[test]
fn a_fault_for_good_ends_the_question_on_any_delivery() {
    let mut bench = Bench::new();
    bench.feed(Input::Replied(Err(Fault::new(FaultKind::Invalid, "the context is full")), 0.0));
    assert_eq!(bench.names(), ["failed"]);
}

#[test]
fn a_lease_is_asked_for_until_its_deadline() {
    let mut bench = Bench::new();
    bench.done();
    for _ in 0..6 {
        bench.feed(Input::Leased(Err(unavailable())));
        assert!(bench.done().is_empty());
        bench.now += 23_000;
        bench.feed(Input::Tick);
        if bench.now > NOW + 60_000 {
            break;
        }
        assert_eq!(bench.done(), ["lease"]);
    }
    bench.done();
    bench.feed(Input::Leased(Err(unavailable())));
    assert_eq!(bench.done(), ["later"]);
}

fn full() -> Fault {
    Fault::new(FaultKind::Exhausted, "all kernels are leased")
}

#[test]
fn a_full_pool_is_waited_for_on_any_delivery_at_nobodys_cost() {
    let mut bench = Bench::resume(fixture::question(), limits(), true, vec![fixture::planned("look")]);
    bench.replied(cell("a = 1"));
    bench.done();
    // Two hours, twice the question's own clock; one ask in ten is lost besides.
    for n in 0..7200 {
        let fault = if n % 10 == 9 { unavailable() } else { full() };
        bench.feed(Input::Leased(Err(fault)));
        bench.seen.clear();
        bench.now += 1500;
        bench.feed(Input::Tick);
        match n % 10 {
            9 => {
                bench.now += 25_000;
                bench.feed(Input::Tick);
            }
            _ => assert_eq!(bench.done(), ["lease"], "it asks about every second"),
        }
    }
    bench.leased(1);
    let Some(Effect::Run(run)) = bench.seen.iter().find(|effect| matches!(effect, Effect::Run(_))) else {
        panic!("{:?}", bench.names())
    };
    assert_eq!(run.deadline, fixture::question().budget.cell(), "waiting cost it nothing");
    bench.ran(1, 1, Ok(fixture::answering(1, "2.4")));
    assert_eq!(bench.names(), ["cell_written", "observed", "answered"]);
}

#[test]
fn the_clock_stands_only_while_a_cell_waits() {
    let mut question = fixture::question();
    question.budget.question_seconds = 10;
    let mut bench = Bench::resume(question, limits(), false, vec![]);
    bench.now += 4_000;
    bench.replied(cell("a = 1"));
    bench.now += 60_000;
    bench.feed(Input::Leased(Err(full())));
    bench.now += 2_000;
    bench.feed(Input::Tick);
    bench.leased(1);
    assert_eq!(bench.session.deadline, bench.now + 6_000);
    bench.now += 6_000;
    bench.feed(Input::Tick);
    assert_eq!(bench.done().last().unwrap(), "finished");
}

#[test]
fn a_replayed_cell_has_about_twice_its_first_time() {
    let slow = Observation { seconds: 40.0, ..fixture::observation(2, "") };
    let mut killed = fixture::failing(3);
    killed.error.as_mut().unwrap().kind = "TimeoutError".into();
    let stopped = Observation { seconds: 300.0, ..killed };
    let observed = |observation| EventKind::Observed { observation, walls: String::new() };
    let events = vec![
        fixture::written(1, "a"),
        fixture::observed(1, ""),
        fixture::written(2, "b"),
        observed(slow.clone()),
        fixture::written(3, "c"),
        observed(stopped.clone()),
        fixture::written(4, "d"),
    ];
    let mut question = fixture::question();
    question.budget.cell_seconds = 300;
    let mut bench = Bench::resume(question, limits(), false, events);
    bench.leased(1);
    for seen in [fixture::observation(1, ""), slow, stopped] {
        bench.ran(1, seen.step, Ok(seen));
    }
    let limits: Vec<u64> = bench
        .seen
        .iter()
        .filter_map(|effect| if let Effect::Run(run) = effect { Some(run.deadline.as_secs()) } else { None })
        .collect();
    assert_eq!(limits, [5, 80, 300, 300]);
}

#[test]
fn the_questions_clock_interrupts_a_cell() {
    let mut bench = Bench::new();
    bench.leased(1);
    bench.replied(cell("slow()"));
    let wake = bench.seen.iter().find_map(|effect| match effect {
        Effect::Wake(at) => Some(*at),
        _ => None,
    });
    bench.done();
    assert_eq!(wake, Some(NOW + 3_600_000));
    bench.now = NOW + 3_600_000;
    bench.feed(Input::Tick);
    assert_eq!(bench.done(), ["interrupt and release 1", "finished"]);
    let Some(EventKind::Unanswered { reason, .. }) = bench.journal.last() else { panic!() };
    assert_eq!(reason, "the budget of 3600 seconds is used up");
}

#[test]
fn work_before_a_restart_counts_and_waiting_does_not() {
    let mut question = fixture::question();
    question.budget.question_seconds = 10;
    let events = vec![fixture::written(1, "a"), fixture::observed(1, ""), fixture::written(2, "b")];
    let bench = Bench::resume(question, limits(), false, events);
    assert_eq!(bench.session.deadline, NOW + 10_000 - 2_000 - 500 - 2_000);
}

#[test]
fn a_tick_that_comes_early_is_asked_for_again() {
    let mut bench = Bench::new();
    bench.feed(Input::Replied(Err(unavailable()), 0.0));
    let wakes = |bench: &mut Bench| -> Vec<u64> {
        let seen = std::mem::take(&mut bench.seen);
        seen.iter()
            .filter_map(|effect| if let Effect::Wake(at) = effect { Some(*at) } else { None })
            .collect()
    };
    let first = wakes(&mut bench);
    bench.feed(Input::Tick);
    assert_eq!(wakes(&mut bench).last(), first.last());
}

#[test]
fn budgets_reach_the_cell() {
    let mut question = fixture::question();
    question.budget = Budget { shown_images: 3, tool_calls: 0, cell_seconds: 7, ..question.budget };
    let shown = EventKind::Observed { observation: fixture::rich(1), walls: String::new() };
    let events = vec![fixture::written(1, "show()"), shown, fixture::written(2, "x")];
    let mut bench = Bench::resume(question, limits(), false, events);
    bench.leased(1);
    bench.ran(1, 1, Ok(fixture::rich(1)));
    let runs: Vec<(u32, u32)> = bench
        .seen
        .iter()
        .filter_map(|effect| match effect {
            Effect::Run(run) => Some((run.shown_images_left, run.tool_calls_left)),
            _ => None,
        })
        .collect();
    assert_eq!(runs, [(3, u32::MAX), (1, u32::MAX)], "a replayed cell has what it had the first time");
}

#[test]
fn an_answer_that_does_not_fit_is_sent_back() {
    let question = Question { answer_type: AnswerType::YesNo, ..fixture::question() };
    let mut bench = Bench::resume(question, limits(), false, vec![]);
    bench.leased(1);
    for step in 1..=3 {
        bench.replied(cell("ReturnAnswer('maybe')"));
        bench.ran(1, step, Ok(fixture::answering(step, "maybe")));
    }
    assert_eq!(bench.done().last().unwrap(), "finished");
    let Some(EventKind::Unanswered { reason, steps: 3, .. }) = bench.journal.last() else { panic!() };
    assert!(reason.contains("neither `yes` nor `no`"), "{reason}");
}

#[test]
fn what_a_replay_had_to_ask_anew_is_booked_with_the_next_observation() {
    let mut first = fixture::observation(1, "1");
    first.vision = vec![fixture::look("the chair", false)];
    let observed = EventKind::Observed { observation: first.clone(), walls: String::new() };
    let events = vec![fixture::written(1, "look"), observed, fixture::written(2, "b")];
    let mut bench = Bench::resume(fixture::question(), limits(), false, events);
    bench.leased(1);
    let told = |effect: &Effect| match effect {
        Effect::Run(run) => Some(run.vision.clone()),
        _ => None,
    };
    assert_eq!(bench.seen.iter().find_map(told).unwrap(), first.vision);
    bench.ran(1, 1, Ok(Observation { vision_usage: fixture::usage(), ..first }));
    bench.ran(1, 2, Ok(fixture::observation(2, "2")));
    let Some(EventKind::Observed { observation: seen, .. }) = bench.journal.last() else { panic!() };
    assert_eq!(seen.vision_usage, fixture::usage());
}
