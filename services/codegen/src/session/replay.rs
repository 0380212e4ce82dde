//! Running a cell again that was observed before.

use std::time::Duration;

use spatialclaw_domain::Observation;

/// The least a replayed cell may take: this kernel's machine may be a slower one.
const LEAST: Duration = Duration::from_secs(5);
/// For each of its calls besides: results that came from the cache may have left it.
const PER_CALL: Duration = Duration::from_secs(30);

/// How long the cell may take that was `first` observed.
///
/// Twice its first time, so that one which hangs now, or ran into its limit then, does not cost the question a whole
/// cell's time with every kernel.
pub(super) fn limit(first: &Observation) -> Duration {
    let twice = Duration::try_from_secs_f64(2.0 * first.seconds).unwrap_or_default();
    let calls = u32::try_from(first.tool_calls.len()).unwrap_or(u32::MAX);
    twice.max(LEAST).saturating_add(PER_CALL.saturating_mul(calls))
}

/// In what two observations of one cell differ.
pub(super) fn difference(first: &Observation, again: &Observation) -> Option<&'static str> {
    let kind = |seen: &Observation| seen.error.as_ref().map(|error| error.kind.clone());
    if kind(first) != kind(again) {
        Some("exception")
    } else if first.answer != again.answer {
        Some("answer")
    } else if first.stdout != again.stdout {
        Some("output")
    } else {
        None
    }
}
