//! What can be asked.

/// A frame as a question names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameRef {
    First,
    Last,
    /// Absolute index.
    Index(u32),
}

/// A side of a gravity-aligned box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Along gravity.
    Height,
    /// The horizontal side that lies most across the camera's view.
    Width,
    /// The longer horizontal side.
    Length,
    /// The horizontal side that lies most along the camera's view.
    Depth,
    /// All three multiplied.
    Volume,
}

impl Side {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Height => "height",
            Self::Width => "width",
            Self::Length => "length",
            Self::Depth => "depth",
            Self::Volume => "volume",
        }
    }
}

/// How two objects may lie to each other in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    LeftRight,
    AboveBelow,
    FrontBehind,
}

impl Axis {
    pub(super) const ALL: [Self; 3] = [Self::LeftRight, Self::AboveBelow, Self::FrontBehind];

    pub(super) fn words(self) -> [&'static str; 2] {
        match self {
            Self::LeftRight => ["left", "right"],
            Self::AboveBelow => ["above", "below"],
            Self::FrontBehind => ["in front", "behind"],
        }
    }
}

/// How a camera may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Motion {
    ForwardBackward,
    Sideways,
    UpDown,
    Turn,
}

impl Motion {
    pub(super) fn words(self) -> [&'static str; 2] {
        match self {
            Self::ForwardBackward => ["forward", "backward"],
            Self::Sideways | Self::Turn => ["left", "right"],
            Self::UpDown => ["up", "down"],
        }
    }
}

pub(super) type Interval = (FrameRef, FrameRef);

/// A question, understood.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Family {
    /// Between two objects, metres.
    Distance {
        a: String,
        b: String,
        centres: bool,
    },
    /// From the camera, metres.
    CameraDistance {
        a: String,
    },
    /// Along the camera's axis, metres.
    MedianDepth {
        a: String,
    },
    Count {
        a: String,
    },
    Exists {
        a: String,
    },
    /// Which is nearest to (or farthest from) the camera or another object.
    Nearest {
        among: Vec<String>,
        to: Option<String>,
        farthest: bool,
    },
    /// Names by distance from the camera.
    Order {
        among: Vec<String>,
        farthest_first: bool,
    },
    /// How the camera sees two objects lie.
    Relation {
        a: String,
        b: String,
        axis: Axis,
        asked: Option<&'static str>,
    },
    /// Yes or no: is `a` closer (farther) than `b`.
    Closer {
        a: String,
        b: String,
        to: Option<String>,
        farther: bool,
    },
    /// Where `target` lies for somebody at `at` who faces `facing`.
    Viewpoint {
        at: String,
        facing: String,
        target: String,
        words: Vec<&'static str>,
        asked: Option<&'static str>,
    },
    /// A side of an object, metres.
    Extent {
        a: String,
        side: Side,
    },
    /// Lowest point above the floor, metres.
    Elevation {
        a: String,
    },
    Largest {
        among: Vec<String>,
        side: Side,
        smallest: bool,
    },
    /// Yes or no: is `a` larger (smaller) than `b`.
    Larger {
        a: String,
        b: String,
        side: Side,
        smaller: bool,
    },
    /// How far an object moved, metres.
    Moved {
        a: String,
        over: Interval,
    },
    CameraMoved {
        over: Interval,
    },
    /// Degrees.
    CameraTurned {
        over: Interval,
    },
    CameraDirection {
        motion: Motion,
        asked: Option<&'static str>,
        over: Interval,
    },
    /// At `at`, degrees.
    Angle {
        a: String,
        at: String,
        b: String,
    },
    /// Above the floor, metres.
    CameraHeight,
}

/// What the answer of a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Metres, in `value`.
    Length,
    /// Degrees, in `value`.
    Angle,
    /// A whole number, in `value`.
    Count,
    /// One of a few words, in `word`.
    Word,
    /// One of the question's names, in `word`.
    Name,
    /// Names in order, in `order`.
    Names,
    /// `yes` or `no`, in `word`.
    YesNo,
}

impl Family {
    /// The names to look for, each once.
    pub(super) fn names(&self) -> Vec<&str> {
        let all: Vec<&str> = match self {
            Self::Distance { a, b, .. } | Self::Relation { a, b, .. } | Self::Larger { a, b, .. } => {
                vec![a, b]
            }
            Self::CameraDistance { a }
            | Self::MedianDepth { a }
            | Self::Count { a }
            | Self::Exists { a }
            | Self::Extent { a, .. }
            | Self::Elevation { a }
            | Self::Moved { a, .. } => vec![a],
            Self::Closer { a, b, to, .. } => to.iter().chain([a, b]).map(String::as_str).collect(),
            Self::Nearest { among, to, .. } => to.iter().chain(among).map(String::as_str).collect(),
            Self::Order { among, .. } | Self::Largest { among, .. } => {
                among.iter().map(String::as_str).collect()
            }
            Self::Viewpoint { at, facing, target, .. } => vec![at, facing, target],
            Self::Angle { a, at, b } => vec![a, at, b],
            Self::CameraMoved { .. }
            | Self::CameraTurned { .. }
            | Self::CameraDirection { .. }
            | Self::CameraHeight => vec![],
        };
        let mut names: Vec<&str> = Vec::new();
        for name in all {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Distance { .. }
            | Self::CameraDistance { .. }
            | Self::MedianDepth { .. }
            | Self::Extent { .. }
            | Self::Elevation { .. }
            | Self::Moved { .. }
            | Self::CameraMoved { .. }
            | Self::CameraHeight => Kind::Length,
            Self::CameraTurned { .. } | Self::Angle { .. } => Kind::Angle,
            Self::Count { .. } => Kind::Count,
            Self::Nearest { .. } | Self::Largest { .. } => Kind::Name,
            Self::Order { .. } => Kind::Names,
            Self::Relation { .. } | Self::Viewpoint { .. } | Self::CameraDirection { .. } => Kind::Word,
            Self::Exists { .. } | Self::Closer { .. } | Self::Larger { .. } => Kind::YesNo,
        }
    }

    /// The words an answer may be.
    pub(super) fn words(&self) -> Vec<&'static str> {
        match self {
            Self::Relation { axis, .. } => axis.words().to_vec(),
            Self::Viewpoint { words, .. } => words.clone(),
            Self::CameraDirection { motion, .. } => motion.words().to_vec(),
            _ if self.kind() == Kind::YesNo => vec!["yes", "no"],
            _ => vec![],
        }
    }

    /// The word whose truth a yes-or-no question asks about.
    pub(super) fn asked(&self) -> Option<&'static str> {
        match self {
            Self::Relation { asked, .. }
            | Self::Viewpoint { asked, .. }
            | Self::CameraDirection { asked, .. } => *asked,
            _ => None,
        }
    }

    pub(super) fn interval(&self) -> Option<Interval> {
        match self {
            Self::Moved { over, .. }
            | Self::CameraMoved { over }
            | Self::CameraTurned { over }
            | Self::CameraDirection { over, .. } => Some(*over),
            _ => None,
        }
    }

    /// Whether pictures alone cannot answer it.
    pub(super) fn needs_depth(&self) -> bool {
        !matches!(self, Self::Count { .. } | Self::Exists { .. })
            && !matches!(self, Self::Relation { axis: Axis::LeftRight | Axis::AboveBelow, .. })
    }

    /// Whether several frames in one world help.
    pub(super) fn wants_depth(&self) -> bool {
        !matches!(self, Self::Exists { .. } | Self::Relation { axis: Axis::LeftRight, .. })
    }

    /// Whether finding nothing is an answer.
    pub(super) fn may_be_absent(&self) -> bool {
        matches!(self, Self::Count { .. } | Self::Exists { .. })
    }

    /// One word, as plans name it.
    pub(super) fn title(&self) -> &'static str {
        match self {
            Self::Distance { .. } => "distance between two objects",
            Self::CameraDistance { .. } => "distance from the camera",
            Self::MedianDepth { .. } => "median depth",
            Self::Count { .. } => "count",
            Self::Exists { .. } => "existence",
            Self::Nearest { .. } => "nearest or farthest object",
            Self::Order { .. } => "order by distance",
            Self::Relation { .. } => "relation as the camera sees it",
            Self::Closer { .. } => "comparison of distances",
            Self::Viewpoint { .. } => "direction from a viewpoint in the scene",
            Self::Extent { .. } => "size of an object",
            Self::Elevation { .. } => "height above the floor",
            Self::Largest { .. } => "largest or smallest object",
            Self::Larger { .. } => "comparison of sizes",
            Self::Moved { .. } => "movement of an object",
            Self::CameraMoved { .. } => "movement of the camera",
            Self::CameraTurned { .. } => "turn of the camera",
            Self::CameraDirection { .. } => "direction of the camera's movement",
            Self::Angle { .. } => "angle between objects",
            Self::CameraHeight => "height of the camera",
        }
    }
}
