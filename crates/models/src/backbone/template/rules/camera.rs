//! Questions about the camera itself.

use super::{Context, Family, Held, Rule};
use crate::backbone::template::{directions, family::Motion};

pub(super) const RULES: &[Rule] = &[
    Rule {
        patterns: &[
            "[by] how many degrees did|does|has|is [the] camera [been] turn|turned|rotate|rotated|rotating|pan|panned|yaw",
            "how much did|does|has [the] camera turn|turned|rotate|rotated|pan|panned",
            "[by|through] what|which angle did|does|has [the] camera turn|turned|rotate|rotated|pan|panned [by|through]",
            "[what] [is] [the] rotation|turn|turning [angle] of [the] camera",
            "[what] [is] [the] camera's rotation|turn [angle]",
        ],
        build: |_, context| Some(Family::CameraTurned { over: context.over() }),
    },
    Rule {
        patterns: &[
            "did|does|is|has [the] camera turn|turned|turning|rotate|rotated|rotating|pan|panned|panning {tail:way}",
            "in|to which|what direction|side did|does|is [the] camera turn|turning|rotate|rotating|pan|panning",
            "which|what way|direction did|does|is [the] camera turn|turning|rotate|rotating|pan|panning",
        ],
        build: |held, context| direction(held, context, true),
    },
    Rule {
        patterns: &[
            "did|does|is|has [the] camera move|moved|moving|go|went|going|travel|travelled|shift|shifted|translate {tail:way}",
            "in which|what direction did|does|is [the] camera move|moving|go|going|travel|travelling|shift",
            "which|what way|direction did|does|is [the] camera move|moving|go|going|travel|travelling|shift",
        ],
        build: |held, context| direction(held, context, false),
    },
    Rule {
        patterns: &[
            "how far|much did|does|has [the] camera move|moved|travel|travelled|traveled|go|shift|translate",
            "[what] [is|was] [the] distance [that] [the] camera moved|travelled|traveled|covered|moves|travels",
            "[what] [is|was] [the] distance travelled|traveled|covered by [the] camera",
            "how many LENGTHS did|does [the] camera move|travel",
            "[what] [is] [the] distance between [the] first and [the] last camera [position|positions]",
            "[what] [is] [the] displacement of [the] camera",
        ],
        build: |_, context| Some(Family::CameraMoved { over: context.over() }),
    },
    Rule {
        patterns: &[
            "how high [above_the_floor|above_the_ground|off_the_floor] is [the] camera [above|off|over] [the] [floor|ground]",
            "[what] [is] [the] height of [the] camera [above|off|over] [the] [floor|ground]",
        ],
        build: |_, _| Some(Family::CameraHeight),
    },
];

/// Reads the directions asked about, from the question or else from the options.
fn direction(held: &Held, context: &Context, turn: bool) -> Option<Family> {
    let tail = held.tail("way");
    let from_options = || context.options.join(" , ");
    let words = directions::motions(if tail.is_empty() { from_options() } else { tail.clone() }.as_str());
    let motion = match words.first().copied()? {
        "left" | "right" if turn => Motion::Turn,
        "left" | "right" => Motion::Sideways,
        "forward" | "backward" if !turn => Motion::ForwardBackward,
        "up" | "down" if !turn => Motion::UpDown,
        _ => return None,
    };
    if !words.iter().all(|word| motion.words().contains(word)) {
        return None;
    }
    let asked = (words.len() == 1 && !tail.is_empty()).then_some(words[0]);
    Some(Family::CameraDirection { motion, asked, over: context.over() })
}
