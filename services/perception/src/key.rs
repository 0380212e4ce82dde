//! Content keys: equal keys, equal results.

use std::fmt;

use serde::{Deserialize, Serialize};
use spatialclaw_domain::{Digest, Fault, FaultKind, Frame};

use crate::{request::Ask, route::Chosen};

/// Changes with every change to what this crate makes of a pod's answer.
const REVISION: u32 = 1;

/// A digest over everything a result depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Key(Digest);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.0)
    }
}

impl Key {
    /// The key of `ask` answered by `pod`.
    pub(crate) fn of(ask: &Ask, pod: &Chosen) -> Result<Self, Fault> {
        let all = (REVISION, &pod.engine, &pod.model, &pod.weights, bare(ask));
        // Field order, floats and maps have one JSON form each.
        let text = serde_json::to_vec(&all).map_err(|error| {
            Fault::new(FaultKind::Internal, format!("cannot form a content key: {error}"))
        })?;
        Ok(Self(Digest::of(&text)))
    }
}

/// Without what cannot change the result, so that equal work is recognised as equal.
fn bare(ask: &Ask) -> Ask {
    let mut ask = ask.clone();
    match &mut ask {
        Ask::Reconstruct(ask) => {
            for frame in ask.frames.iter_mut().chain(&mut ask.support) {
                *frame = Frame { time_s: None, instances: None, ..frame.clone() };
            }
        }
        Ask::Segment(ask) => {
            let frame = ask.frame.clone();
            ask.frame = Frame { index: 0, time_s: None, pose: None, intrinsics: None, depth: None, ..frame };
        }
    }
    ask
}
