//! The session in every weather: proptest deals the world's answers in any order, sessions crash and resume.

use std::collections::HashMap;

use proptest::prelude::*;
use spatialclaw_domain::{Budget, Question};

use super::{tests::*, *};
use crate::fixture;

/// Every question ends within this many happenings.
const MAX_HAPPENINGS: usize = 5_000;
const MAX_DELIVERIES: u32 = 5;

/// What the world has in hand.
enum Due {
    Input(Input),
    Append(EventKind),
    Tick(u64),
}

struct World {
    dice: std::vec::IntoIter<u8>,
    now: u64,
    journal: Vec<(u64, Event)>,
    due: Vec<Due>,
    leases: u32,
    /// Codes run by each kernel that is out.
    out: HashMap<KernelId, Vec<String>>,
    happenings: usize,
}

impl World {
    /// Once the dice are used up everything goes well.
    fn roll(&mut self) -> u8 {
        self.dice.next().unwrap_or(0)
    }

    fn append(&mut self, kind: EventKind) -> Input {
        let seq = self.journal.len() as u64 + 1;
        self.journal.push((seq, fixture::at(kind)));
        Input::Appended(seq)
    }

    fn reply(&mut self) -> Input {
        let fault = |kind| Err(Fault::new(kind, "storm"));
        Input::Replied(
            match self.roll() {
                200..=219 => Ok(reply("no idea")),
                220..=239 => fault(FaultKind::Unavailable),
                240..=242 => Ok(reply("**Cannot Answer**\nno")),
                243 => fault(FaultKind::Invalid),
                n => Ok(cell(&format!("x = {n}"))),
            },
            f64::from(self.roll()),
        )
    }

    fn lease(&mut self) -> Input {
        let fault = |kind| Input::Leased(Err(Fault::new(kind, "storm")));
        match self.roll() {
            200..=239 => fault(FaultKind::Exhausted),
            240 => fault(FaultKind::Invalid),
            _ => {
                self.leases += 1;
                let lease = kernel(self.leases);
                self.out.insert(lease.kernel, vec![]);
                Input::Leased(Ok(lease))
            }
        }
    }

    fn run(&mut self, run: &Run) -> Input {
        let step = run.step;
        let outcome = match self.roll() {
            0..=19 => Ok(fixture::answering(step, "2.4")),
            120..=159 => Ok(fixture::failing(step)),
            160..=189 => Ok(fixture::answering(step, "far")),
            190..=199 => Ok(Observation { state_lost: true, ..fixture::failing(step) }),
            200..=209 => Ok(overrun(step)),
            210..=219 => Err(Loss::Refused("storm".into())),
            220..=239 => Err(Loss::Gone("storm".into())),
            240..=249 => return Input::Lapsed(run.kernel),
            _ => Ok(fixture::rich(step)),
        };
        Input::Ran { kernel: run.kernel, step, outcome }
    }

    fn settle(&mut self, due: Due) -> Input {
        match due {
            Due::Input(input) => input,
            Due::Tick(at) => {
                self.now = self.now.max(at);
                Input::Tick
            }
            Due::Append(kind) => match self.roll() {
                250 => {
                    self.append(fixture::cancelled());
                    Input::Refused(self.journal[self.journal.len() - 1..].to_vec())
                }
                251 => Input::NotAppended(Fault::new(FaultKind::Unavailable, "storm")),
                _ => self.append(kind),
            },
        }
    }

    fn perform(&mut self, effect: Effect, session: &Session) -> Option<End> {
        match effect {
            Effect::Ask { step, messages } => {
                assert_eq!(step, session.transcript().steps() + 1);
                assert!(messages.len() > 1);
                let input = self.reply();
                self.due.push(Due::Input(input));
            }
            Effect::Lease => {
                let input = self.lease();
                self.due.push(Due::Input(input));
            }
            Effect::Run(run) => {
                self.check(&run, session);
                let input = self.run(&run);
                self.due.push(Due::Input(input));
            }
            Effect::Append(kind) => {
                assert!(!self.due.iter().any(|due| matches!(due, Due::Append(_))), "two appends at once");
                self.due.push(Due::Append(kind));
            }
            Effect::Wake(at) => {
                self.due.retain(|due| !matches!(due, Due::Tick(_)));
                self.due.push(Due::Tick(at));
            }
            Effect::Release { kernel, .. } => {
                assert!(self.out.remove(&kernel).is_some(), "released a kernel that was not out");
            }
            Effect::ReplayDiffers { .. } => {}
            Effect::Stop(end) => return Some(end),
        }
        None
    }

    /// A kernel runs the observed cells in order, then the written one; nothing that is not in the journal.
    fn check(&mut self, run: &Run, session: &Session) {
        let ran = self.out.get_mut(&run.kernel).expect("a cell runs only on a kernel that is out");
        let transcript = session.transcript();
        let replayed: Vec<&str> = transcript.replayed().map(|(_, cell, _)| cell.code.as_str()).collect();
        let expected = match replayed.get(ran.len()) {
            Some(code) => (*code, true),
            None => (transcript.pending().unwrap().cell.code.as_str(), false),
        };
        assert_eq!((run.code.as_str(), run.replay), expected);
        assert!(replayed.iter().zip(&*ran).all(|(a, b)| a == b));
        ran.push(run.code.clone());
    }

    /// One delivery. `None`: the process died.
    fn deliver(&mut self, attempt: u32) -> Option<End> {
        let transcript = Transcript::fold(fixture::session(), &self.journal).unwrap();
        if transcript.outcome.is_some() {
            return Some(End::Finished);
        }
        let mut session = Session::new(transcript, limits(), attempt == MAX_DELIVERIES, self.now);
        self.due = vec![Due::Tick(self.now)];
        loop {
            self.happenings += 1;
            assert!(self.happenings < MAX_HAPPENINGS, "it never ends");
            assert!(!self.due.is_empty(), "nothing will ever happen again");
            let pick = usize::from(self.roll()) % self.due.len();
            // Time stands still while something else is due, or budgets would never be what ends a session.
            let is_later = matches!(self.due[pick], Due::Tick(at) if at > self.now);
            let skip = usize::from(is_later && self.roll() < 200);
            let due = self.due.remove((pick + skip) % self.due.len());
            let input = self.settle(due);
            self.now += u64::from(self.roll());
            let mut ended = None;
            for effect in session.handle(input, self.now).unwrap() {
                ended = ended.or(self.perform(effect, &session));
            }
            if ended.is_some() {
                self.hand_back_late_leases(&mut session);
                return ended;
            }
            if self.roll() == 252 {
                self.out.clear();
                return None;
            }
        }
    }

    fn hand_back_late_leases(&mut self, session: &mut Session) {
        for due in std::mem::take(&mut self.due) {
            if let Due::Input(input @ Input::Leased(_)) = due {
                for effect in session.handle(input, self.now).unwrap() {
                    self.perform(effect, session);
                }
            }
        }
        assert!(self.out.is_empty(), "a kernel was not given back: {:?}", self.out.keys());
    }
}

fn budget() -> impl Strategy<Value = Budget> {
    (0u32..8, 0u32..4, 0u32..6, 0u32..5, 1u32..2000).prop_map(
        |(steps, failures, tool_calls, shown_images, seconds)| Budget {
            steps,
            failures,
            tool_calls,
            shown_images,
            cell_seconds: 60,
            question_seconds: seconds,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_path_ends_with_an_answer_or_a_stated_reason(
        dice in prop::collection::vec(any::<u8>(), 0..400),
        budget in budget(),
    ) {
        let question = Question { budget: budget.clone(), ..fixture::question() };
        let mut world = World {
            dice: dice.into_iter(),
            now: fixture::SUBMITTED_AT,
            journal: fixture::journal_of(question, vec![fixture::planned("look")]),
            due: vec![],
            leases: 0,
            out: HashMap::new(),
            happenings: 0,
        };
        let mut end = None;
        for attempt in 1..=MAX_DELIVERIES {
            end = world.deliver(attempt);
            if end == Some(End::Finished) {
                break;
            }
        }
        let transcript = Transcript::fold(fixture::session(), &world.journal).unwrap();
        prop_assert!(transcript.steps() <= budget.steps, "{} steps", transcript.steps());
        prop_assert!(transcript.losses <= limits().session_losses);
        let ends = world.journal.iter().filter(|(_, event)| event.kind.outcome().is_some()).count();
        match end {
            Some(End::Finished) => prop_assert_eq!(ends, 1),
            // The process died or its bus failed five times over: the job lies in the dead-letter place.
            _ => prop_assert_eq!(ends, 0),
        }
        match &world.journal.last().unwrap().1.kind {
            EventKind::Unanswered { reason, .. } => prop_assert!(!reason.is_empty()),
            EventKind::Failed { fault, .. } => prop_assert!(!fault.message.is_empty()),
            _ => {}
        }
    }

    #[test]
    fn nonsense_never_panics(inputs in prop::collection::vec((0u8..12, any::<u8>()), 0..60)) {
        let transcript = Transcript::fold(fixture::session(), &fixture::journal(vec![])).unwrap();
        let mut session = Session::new(transcript, limits(), false, 0);
        let (mut now, mut seq) = (0, 1);
        for (kind, n) in inputs {
            let lease = kernel(u32::from(n % 3));
            let step = u32::from(n % 4);
            now += u64::from(n) * 1000;
            let input = match kind {
                0 => Input::Tick,
                1 => Input::Replied(Ok(cell("x = 1")), f64::NAN),
                2 => Input::Replied(Err(Fault::new(FaultKind::Deadline, "late")), -1.0),
                3 => Input::Leased(Ok(lease)),
                4 => Input::Leased(Err(Fault::new(FaultKind::Exhausted, "full"))),
                5 => Input::Ran { kernel: lease.kernel, step, outcome: Ok(fixture::failing(n.into())) },
                6 => Input::Ran { kernel: lease.kernel, step, outcome: Err(Loss::Gone("gone".into())) },
                7 => Input::Lapsed(lease.kernel),
                8 | 9 => {
                    seq += 1;
                    Input::Appended(seq)
                }
                10 => Input::Seen(n.into(), fixture::written(step, "x")),
                _ if n > 250 => Input::Refused(vec![]),
                _ => Input::Replied(Ok(reply("?")), f64::INFINITY),
            };
            session.handle(input, now).unwrap();
        }
    }
}
