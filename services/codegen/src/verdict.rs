//! Whether a session is over, by what its transcript says.

use spatialclaw_domain::{Answer, Observation, Question};

use crate::{
    answer::{self, Misfit},
    transcript::{Transcript, Turn},
};

/// How it is over.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The last cell gave an answer that fits.
    Answered(Answer),
    /// For this reason.
    Unanswered(String),
}

/// The verdict, if there is one: an answer first, then the budgets.
///
/// `bounces` misfit answers are sent back to the model before one ends the session. `is_late`: the question's clock
/// has run out.
pub fn of(transcript: &Transcript, bounces: u32, is_late: bool) -> Option<Verdict> {
    let budget = &transcript.question.budget;
    let last = transcript.turns.last().and_then(Turn::observation);
    match last.and_then(|seen| submitted(&transcript.question, seen)) {
        Some(Ok(answer)) => return Some(Verdict::Answered(answer)),
        Some(Err(misfit)) if refusals(transcript) > bounces => {
            let reason =
                format!("no answer fitted the question after {} attempts: {misfit}", refusals(transcript));
            return Some(Verdict::Unanswered(reason));
        }
        Some(Err(_)) | None => {}
    }
    if is_late {
        return Some(used_up(transcript, &format!("{} seconds", budget.question_seconds)));
    }
    if transcript.pending().is_some() {
        return None;
    }
    let failures = transcript.failures_in_a_row();
    if failures > 0 && failures >= budget.failures {
        let reason = match transcript.turns.last() {
            Some(Turn::Rejected { reason, .. }) => reason.as_str(),
            _ => "",
        };
        return Some(Verdict::Unanswered(format!("{failures} replies in a row could not be read: {reason}")));
    }
    if transcript.steps() >= budget.steps {
        return Some(used_up(transcript, &format!("{} steps", budget.steps)));
    }
    // The cell that used the last call up may be followed by one that concludes without calling anything.
    let before = transcript.spent(transcript.turns.len().saturating_sub(1)).tool_calls;
    if budget.tool_calls > 0 && last.is_some() && before >= budget.tool_calls {
        return Some(used_up(transcript, &format!("{} tool calls", budget.tool_calls)));
    }
    None
}

/// What a cell submitted, checked; `None` if it submitted nothing.
pub fn submitted(question: &Question, seen: &Observation) -> Option<Result<Answer, Misfit>> {
    seen.answer.as_ref().map(|given| answer::check(question, given))
}

fn refusals(transcript: &Transcript) -> u32 {
    let seen = transcript.turns.iter().filter_map(Turn::observation);
    let refused = seen.filter(|seen| matches!(submitted(&transcript.question, seen), Some(Err(_))));
    u32::try_from(refused.count()).unwrap_or(u32::MAX)
}

fn used_up(transcript: &Transcript, what: &str) -> Verdict {
    let mut reason = format!("the budget of {what} is used up");
    let seen = transcript.turns.iter().rev().filter_map(Turn::observation);
    let mut misfits = seen.filter_map(|seen| submitted(&transcript.question, seen)?.err());
    if let Some(misfit) = misfits.next() {
        reason = format!("{reason}; the last answer did not fit: {misfit}");
    }
    Verdict::Unanswered(reason)
}

#[cfg(test)]
mod tests {
    use spatialclaw_domain::{Budget, EventKind, ToolCall};

    use super::*;
    use crate::fixture;

    fn verdict(budget: Budget, events: Vec<EventKind>) -> Option<Verdict> {
        let question = Question { budget, ..fixture::question() };
        let journal = fixture::journal_of(question, events);
        of(&Transcript::fold(fixture::session(), &journal).unwrap(), 2, false)
    }

    fn reason(budget: Budget, events: Vec<EventKind>) -> String {
        match verdict(budget, events) {
            Some(Verdict::Unanswered(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    fn calling(step: u32, calls: usize) -> Vec<EventKind> {
        let call = ToolCall {
            name: "Reconstruct".into(),
            seconds: 0.1,
            outcome: "ok".into(),
            engine: "sensor".into(),
            cached: false,
        };
        let observation = Observation { tool_calls: vec![call; calls], ..fixture::observation(step, "") };
        vec![fixture::written(step, "x"), EventKind::Observed { observation, walls: String::new() }]
    }

    #[test]
    fn an_answer_that_fits_ends_it_even_on_the_last_step() {
        let budget = Budget { steps: 1, ..Budget::default() };
        let events = vec![fixture::written(1, "ReturnAnswer(2.4)"), fixture::answered(1, "2.4")];
        let Some(Verdict::Answered(answer)) = verdict(budget, events) else { panic!() };
        assert_eq!(answer.number, Some(2.4));
    }

    #[test]
    fn misfits_are_sent_back_twice() {
        let misfit = |step| [fixture::written(step, "ReturnAnswer('far')"), fixture::answered(step, "far")];
        let bounced: Vec<EventKind> = (1..=2).flat_map(misfit).collect();
        assert_eq!(verdict(Budget::default(), bounced), None);
        let ended: Vec<EventKind> = (1..=3).flat_map(misfit).collect();
        assert!(
            reason(Budget::default(), ended)
                .starts_with("no answer fitted the question after 3 attempts: `far`")
        );
    }

    #[test]
    fn steps_and_failures_run_out() {
        let budget = Budget { steps: 2, failures: 2, ..Budget::default() };
        let steps = vec![fixture::rejected(1), fixture::written(2, "x"), fixture::observed(2, "")];
        assert_eq!(reason(budget.clone(), steps), "the budget of 2 steps is used up");
        let failures = vec![fixture::rejected(1), fixture::rejected(2)];
        assert!(
            reason(budget.clone(), failures).starts_with("2 replies in a row could not be read: no **Code**")
        );
        assert_eq!(
            verdict(budget, vec![fixture::rejected(1), fixture::written(2, "x")]),
            None,
            "it has to run"
        );
    }

    #[test]
    fn one_cell_may_conclude_after_the_last_tool_call() {
        let budget = Budget { tool_calls: 2, ..Budget::default() };
        assert_eq!(verdict(budget.clone(), calling(1, 2)), None);
        let idle = [calling(1, 2), calling(2, 0)].concat();
        assert_eq!(reason(budget, idle), "the budget of 2 tool calls is used up");
    }
}
