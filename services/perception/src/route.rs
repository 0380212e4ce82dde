//! Which pod answers.
//!
//! What was measured beats what can be computed: frames that carry depth (or
//! instances) go to a pod that serves measurements. A calibrated pair goes to
//! a pod that does stereo, bare pictures to one that needs neither. Among
//! those able, the first configured wins; one that is gone is passed over, and
//! reported if nobody else can.

use spatialclaw_domain::{Fault, FaultKind};
use spatialclaw_models::pod::{Abilities, DepthAbility, Pod, Pods, SegmentAbility};

use crate::request::{Ask, Prompt, Reconstruct, Segment};

/// A pod and what matters of it.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) pod: Pod,
    /// e.g. `sensor`.
    pub(crate) engine: String,
    /// Model and revision.
    pub(crate) model: String,
    /// Digest of the weights.
    pub(crate) weights: Vec<u8>,
    /// How it will be asked.
    pub(crate) way: Way,
}

/// Where a pod's answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Measurements: no pixels are sent.
    Measured,
    /// A calibrated pair.
    Stereo,
    /// The pictures themselves.
    Pictures,
}

/// Finds the pod for `ask`.
///
/// # Errors
/// `unavailable` if a pod that may be able is gone, `invalid` if none is able; both name the fix.
pub(crate) async fn choose(pods: &Pods, ask: &Ask) -> Result<Chosen, Fault> {
    let ways = ways(ask);
    let mut gone = None;
    let mut able: Option<(usize, Chosen)> = None;
    for pod in pods.iter() {
        let abilities = match pod.abilities().await {
            Ok(abilities) => abilities,
            Err(fault) => {
                gone.get_or_insert(fault);
                continue;
            }
        };
        let best = able.as_ref().map_or(ways.len(), |(rank, _)| *rank);
        let found = ways[..best].iter().enumerate().find_map(|(rank, &way)| {
            fits(&abilities, ask, way).map(|identity| (rank, identity.chosen(pod.clone(), way)))
        });
        able = found.or(able);
        if able.as_ref().is_some_and(|(rank, _)| *rank == 0) {
            break;
        }
    }
    match (able, gone) {
        (Some((_, chosen)), _) => Ok(chosen),
        (None, Some(fault)) => Err(fault),
        (None, None) => Err(Fault::new(FaultKind::Invalid, unable(pods, ask))),
    }
}

/// Preferred ones first.
fn ways(ask: &Ask) -> Vec<Way> {
    match ask {
        Ask::Reconstruct(ask) => {
            let measured = ask.frames.iter().all(|frame| frame.depth.is_some());
            let pair = ask.stereo.is_some_and(|rig| {
                ask.frames.iter().all(|frame| frame.index == rig.left || frame.index == rig.right)
            });
            let ways = [(measured, Way::Measured), (pair, Way::Stereo), (true, Way::Pictures)];
            ways.into_iter().filter_map(|(possible, way)| possible.then_some(way)).collect()
        }
        Ask::Segment(ask) if ask.frame.instances.is_some() => vec![Way::Measured, Way::Pictures],
        Ask::Segment(_) => vec![Way::Pictures],
    }
}

struct Identity {
    engine: String,
    model: String,
    weights: Vec<u8>,
}

impl Identity {
    fn chosen(self, pod: Pod, way: Way) -> Chosen {
        Chosen { pod, engine: self.engine, model: self.model, weights: self.weights, way }
    }
}

fn fits(abilities: &Abilities, ask: &Ask, way: Way) -> Option<Identity> {
    match ask {
        Ask::Reconstruct(_) => {
            let depth = abilities.depth.as_ref().filter(|depth| depth_fits(depth, way))?;
            let DepthAbility { engine, model, weights_sha256, .. } = depth.clone();
            Some(Identity { engine, model, weights: weights_sha256.to_vec() })
        }
        Ask::Segment(ask) => {
            let segment =
                abilities.segment.as_ref().filter(|segment| segment_fits(segment, &ask.prompt, way))?;
            let SegmentAbility { engine, model, weights_sha256, .. } = segment.clone();
            Some(Identity { engine, model, weights: weights_sha256.to_vec() })
        }
    }
}

fn depth_fits(depth: &DepthAbility, way: Way) -> bool {
    match way {
        Way::Measured => depth.needs_measured,
        Way::Stereo => depth.stereo && !depth.needs_measured,
        Way::Pictures => depth.single_image && !depth.needs_measured,
    }
}

fn segment_fits(segment: &SegmentAbility, prompt: &Prompt, way: Way) -> bool {
    let takes = match prompt {
        Prompt::Text(_) => segment.text,
        Prompt::Box(_) => segment.boxes,
        Prompt::Points(_) => segment.points,
    };
    takes && segment.needs_measured == (way == Way::Measured)
}

fn unable(pods: &Pods, ask: &Ask) -> String {
    if pods.iter().next().is_none() {
        return "no perception pod is configured: list one in pods.endpoints".to_owned();
    }
    match ask {
        Ask::Reconstruct(ask) => no_depth(ask),
        Ask::Segment(ask) => no_masks(ask),
    }
}

fn no_depth(ask: &Reconstruct) -> String {
    let bare: Vec<u32> =
        ask.frames.iter().filter(|frame| frame.depth.is_none()).map(|frame| frame.index).collect();
    let Some(first) = bare.first() else {
        return "no configured pod serves measured depth: add a pod with inference.engine = \"sensor\""
            .to_owned();
    };
    let measured =
        ask.frames.iter().filter(|frame| frame.depth.is_some()).map(|frame| frame.index.to_string());
    let instead = match (measured.collect::<Vec<_>>(), ask.stereo) {
        (measured, _) if !measured.is_empty() => format!("; frames with depth here: {}", measured.join(", ")),
        (_, Some(rig)) => format!("; the stereo pair is frames {} and {}", rig.left, rig.right),
        _ => String::new(),
    };
    format!(
        "frame {first} is a picture without measured depth, and no configured pod can tell depth from pictures \
         alone{instead}. What would help: a calibrated stereo pair, depth measured by the capture device (sensor \
         pod), or a depth-network pod"
    )
}

fn no_masks(ask: &Segment) -> String {
    let prompt = match ask.prompt {
        Prompt::Text(_) => "text",
        Prompt::Box(_) => "box",
        Prompt::Points(_) => "point",
    };
    if ask.frame.instances.is_some() {
        return format!(
            "no configured pod takes {prompt} prompts: add a pod with inference.engine = \"sensor\""
        );
    }
    format!(
        "this picture carries no measured masks, and no configured pod takes {prompt} prompts on bare pictures: segment \
         a frame that has masks, or add a pod with inference.engine = \"cpu\""
    )
}
