//! What is asked, checked: nothing behind this module meets a size of zero or a box inside out.

use serde::Serialize;
use spatialclaw_domain::{Fault, FaultKind, Frame, StereoRig};
use spatialclaw_proto::{
    kernel::v1 as kernel,
    perception::v1::{self as wire, perception_request::Op, segment_request},
};

use crate::{Config, grid::Size, rigid::V3};

const MAX_SIDE: u32 = 16_384;
const MAX_POINTS: usize = 64;
const MAX_TEXT_CHARS: usize = 256;
const DEFAULT_THRESHOLD: f32 = 0.3;

/// One tool call's question to the pods. Serialized, it is part of a content key.
#[derive(Clone, Debug, Serialize)]
pub(crate) enum Ask {
    /// Depth and cameras.
    Reconstruct(Reconstruct),
    /// Masks.
    Segment(Box<Segment>),
}

/// Depth and cameras of some frames in one world.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Reconstruct {
    /// At least one, each once, in the order asked for.
    pub(crate) frames: Vec<Frame>,
    /// Others of the question.
    pub(crate) support: Vec<Frame>,
    pub(crate) stereo: Option<StereoRig>,
    /// In the poses' world.
    pub(crate) world_up: Option<V3>,
    pub(crate) grid: Size,
}

/// Masks of one frame.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Segment {
    pub(crate) frame: Frame,
    /// Prompts are in its pixels.
    pub(crate) grid: Size,
    pub(crate) prompt: Prompt,
    pub(crate) score_threshold: f32,
}

/// What names an object, in pixels of the grid.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) enum Prompt {
    Text(String),
    /// x0, y0, x1, y1.
    Box([f32; 4]),
    /// x, y, positive.
    Points(Vec<(f32, f32, bool)>),
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Invalid, message)
}

impl Ask {
    /// Checks a request.
    pub(crate) fn read(request: wire::PerceptionRequest, config: &Config) -> Result<Self, Fault> {
        match request.op {
            Some(Op::Reconstruct(ask)) => Reconstruct::read(ask, config).map(Self::Reconstruct),
            Some(Op::Segment(ask)) => Segment::read(ask, config).map(Box::new).map(Self::Segment),
            None => Err(invalid("unreadable message: neither reconstruct nor segment")),
        }
    }

    /// Pixels of the result; of masks, whose number nobody knows yet, as if it were one.
    pub(crate) fn pixels(&self) -> u64 {
        let ((width, height), count) = match self {
            Self::Reconstruct(ask) => (ask.grid, ask.frames.len() as u64),
            Self::Segment(ask) => (ask.grid, 1),
        };
        u64::from(width) * u64::from(height) * count
    }

    /// As spans name it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Reconstruct(_) => "reconstruct",
            Self::Segment(_) => "segment",
        }
    }
}

impl Reconstruct {
    fn read(ask: wire::ReconstructRequest, config: &Config) -> Result<Self, Fault> {
        let count = ask.frames.len();
        if count == 0 {
            return Err(invalid("no frames: Reconstruct needs at least one"));
        }
        if count > config.max_frames {
            return Err(invalid(format!(
                "{count} frames; at most {} at once (perception.max_frames): take every {}th",
                config.max_frames,
                count / config.max_frames + 1
            )));
        }
        let frames: Vec<Frame> = ask.frames.into_iter().map(frame).collect::<Result<_, _>>()?;
        if let Some(twice) =
            frames.iter().enumerate().find(|(at, f)| frames[..*at].iter().any(|g| g.index == f.index))
        {
            return Err(invalid(format!("frame {} is asked for twice", twice.1.index)));
        }
        let mut support: Vec<Frame> = ask.support.into_iter().map(frame).collect::<Result<_, _>>()?;
        support.retain(|frame| frames.iter().all(|asked| asked.index != frame.index));
        Ok(Self {
            grid: grid(ask.width, ask.height, count as u64, config)?,
            stereo: ask.stereo.map(Into::into),
            world_up: world_up(&ask.world_up)?,
            frames,
            support,
        })
    }

    /// Every frame at hand.
    pub(crate) fn known(&self) -> impl Iterator<Item = &Frame> {
        self.frames.iter().chain(&self.support)
    }

    /// The earliest frame at hand: the question's first, if the asker sent it along.
    pub(crate) fn earliest(&self) -> &Frame {
        self.known().min_by_key(|frame| frame.index).unwrap_or(&self.frames[0])
    }
}

impl Segment {
    fn read(ask: wire::SegmentRequest, config: &Config) -> Result<Self, Fault> {
        let one = ask.frame.ok_or_else(|| invalid("unreadable message: no frame"))?;
        let grid = grid(ask.width, ask.height, 1, config)?;
        let score_threshold = match ask.score_threshold {
            0.0 => DEFAULT_THRESHOLD,
            given if (0.0..=1.0).contains(&given) => given,
            given => return Err(invalid(format!("confidence_threshold {given} is not between 0 and 1"))),
        };
        Ok(Self { frame: frame(one)?, grid, prompt: prompt(ask.prompt, grid)?, score_threshold })
    }
}

fn frame(frame: spatialclaw_proto::session::v1::Frame) -> Result<Frame, Fault> {
    let frame = Frame::try_from(frame)?;
    if frame.width == 0 || frame.height == 0 {
        return Err(invalid(format!("frame {} has no size: {}x{}", frame.index, frame.width, frame.height)));
    }
    Ok(frame)
}

fn grid(width: u32, height: u32, frames: u64, config: &Config) -> Result<Size, Fault> {
    let pixels = u64::from(width) * u64::from(height) * frames;
    if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE || pixels > config.max_pixels {
        return Err(invalid(format!(
            "{frames} x {width}x{height} pixels; allowed are 1 to {MAX_SIDE} a side and {} in all \
             (perception.max_pixels): ask for fewer frames or a smaller size",
            config.max_pixels
        )));
    }
    Ok((width, height))
}

fn world_up(values: &[f64]) -> Result<Option<V3>, Fault> {
    match *values {
        [] => Ok(None),
        [x, y, z] if crate::rigid::unit([x, y, z]).is_some() => Ok(Some([x, y, z])),
        _ => Err(invalid(format!("world_up {values:?} is no direction: give 3 values, not all 0"))),
    }
}

fn prompt(prompt: Option<segment_request::Prompt>, grid: Size) -> Result<Prompt, Fault> {
    match prompt {
        Some(segment_request::Prompt::Text(text)) => text_prompt(text),
        Some(segment_request::Prompt::Box(b)) => box_prompt(b, grid),
        Some(segment_request::Prompt::Points(points)) => point_prompt(points.points, grid),
        None => Err(invalid("unreadable message: no prompt")),
    }
}

fn text_prompt(text: String) -> Result<Prompt, Fault> {
    match text.chars().count() {
        _ if text.trim().is_empty() => Err(invalid("the text prompt is blank: name an object")),
        n if n > MAX_TEXT_CHARS => Err(invalid(format!(
            "the text prompt has {n} characters, over the limit of {MAX_TEXT_CHARS}: name one object"
        ))),
        _ => Ok(Prompt::Text(text.trim().to_owned())),
    }
}

fn box_prompt(b: kernel::Box, (width, height): Size) -> Result<Prompt, Fault> {
    let corners = [b.x0, b.y0, b.x1, b.y1];
    let text = format!("box [{}, {}, {}, {}]", b.x0, b.y0, b.x1, b.y1);
    if !corners.iter().all(|v| v.is_finite()) || b.x1 <= b.x0 || b.y1 <= b.y0 {
        return Err(invalid(format!("{text}: give [x1, y1, x2, y2] in pixels with x1 < x2 and y1 < y2")));
    }
    if b.x1 < 0.0 || b.y1 < 0.0 || b.x0 > (width - 1) as f32 || b.y0 > (height - 1) as f32 {
        return Err(invalid(format!("{text} lies outside the image of {width}x{height} pixels")));
    }
    Ok(Prompt::Box(corners))
}

fn point_prompt(points: Vec<kernel::Point>, (width, height): Size) -> Result<Prompt, Fault> {
    if points.is_empty() || points.len() > MAX_POINTS {
        return Err(invalid(format!("{} points; give 1 to {MAX_POINTS}", points.len())));
    }
    for point in &points {
        let inside =
            (-0.5..width as f32 - 0.5).contains(&point.x) && (-0.5..height as f32 - 0.5).contains(&point.y);
        if !inside {
            return Err(invalid(format!(
                "point [{}, {}] lies outside the image of {width}x{height} pixels",
                point.x, point.y
            )));
        }
    }
    if !points.iter().any(|point| point.positive) {
        return Err(invalid("every point is a background point (label 0): give at least one with label 1"));
    }
    Ok(Prompt::Points(points.into_iter().map(|point| (point.x, point.y, point.positive)).collect()))
}
