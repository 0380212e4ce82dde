//! From the wire to what engines may rely on: everything is checked before it costs anything.

use std::io::Cursor;

use image::ImageReader;
use spatialclaw_domain::Intrinsics;
use spatialclaw_proto::inference::v1 as wire;

use crate::{
    About, ConceptAsk, Config, DepthAsk, InteractiveAsk, Measured, Pick, Point, Rect, Refusal, Stereo, View,
};

/// How far a rotation may be from orthonormal.
const ROTATION_TOLERANCE: f64 = 1e-2;
const PROMPTS: usize = 16;
const PROMPT_CHARS: usize = 256;
const POINTS: usize = 64;
const INSTANCES: u32 = 200;

/// What a request may weigh.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    max_views: usize,
    max_pixels: u64,
    needs_pixels: bool,
}

impl Limits {
    pub(crate) fn new(config: &Config, about: &About) -> Self {
        Self {
            max_views: about.max_views as usize,
            max_pixels: config.max_pixels,
            needs_pixels: !about.needs_measured,
        }
    }
}

fn invalid<T>(text: String) -> Result<T, Refusal> {
    Err(Refusal::Invalid(text))
}

pub(crate) fn depth(request: wire::DepthRequest, limits: &Limits) -> Result<DepthAsk, Refusal> {
    let count = request.views.len();
    if count == 0 || count > limits.max_views {
        return invalid(format!("views: {count} given; this pod takes 1 to {} at once", limits.max_views));
    }
    let posed = request.views.iter().filter(|view| !view.w2c.is_empty()).count();
    if posed > 0 && posed < count {
        return invalid(format!("views: {posed} of {count} have a pose (w2c); give every view one, or none"));
    }
    let views: Vec<View> = request
        .views
        .into_iter()
        .enumerate()
        .map(|(at, one)| view(at, one, limits))
        .collect::<Result<_, _>>()?;
    let stereo = request.stereo.map(|pair| stereo(pair, &views)).transpose()?;
    Ok(DepthAsk { views, stereo })
}

fn stereo(pair: wire::Stereo, views: &[View]) -> Result<Stereo, Refusal> {
    let (left, right) = (pair.left as usize, pair.right as usize);
    if left == right || left >= views.len() || right >= views.len() {
        return invalid(format!(
            "stereo: {left} and {right} are no two positions among {} views",
            views.len()
        ));
    }
    if !(pair.baseline_m.is_finite() && pair.baseline_m > 0.0 && pair.doffs_px.is_finite()) {
        return invalid(format!(
            "stereo: baseline {} m, offset {} px; a baseline is positive and both are finite",
            pair.baseline_m, pair.doffs_px
        ));
    }
    let size = |view: &View| (view.width, view.height);
    if size(&views[left]) != size(&views[right]) {
        return invalid(
            "stereo: the two pictures of a rectified pair have one size; these differ".to_owned(),
        );
    }
    if views[left].intrinsics.is_none() {
        return invalid("stereo: the left view needs intrinsics (k)".to_owned());
    }
    Ok(Stereo { left, right, baseline_m: pair.baseline_m, doffs_px: pair.doffs_px })
}

pub(crate) fn concepts(request: wire::ConceptRequest, limits: &Limits) -> Result<Vec<ConceptAsk>, Refusal> {
    let (views, prompts) = (request.views.len(), request.prompts.len());
    if views == 0 || views > limits.max_views {
        return invalid(format!("views: {views} given; this pod takes 1 to {} at once", limits.max_views));
    }
    if prompts == 0 || prompts > PROMPTS {
        return invalid(format!("prompts: {prompts} given; 1 to {PROMPTS} at once"));
    }
    for prompt in &request.prompts {
        if prompt.trim().is_empty() || prompt.chars().count() > PROMPT_CHARS {
            return invalid(format!("prompts: each has 1 to {PROMPT_CHARS} characters"));
        }
    }
    let score_threshold = request.score_threshold;
    if !(0.0..=1.0).contains(&score_threshold) {
        return invalid(format!("score_threshold: {score_threshold} is not between 0 and 1"));
    }
    let max_instances = match request.max_instances {
        0 => INSTANCES,
        n => n.min(INSTANCES),
    } as usize;
    let ask = |(at, one)| {
        let view = view(at, one, limits)?;
        Ok(ConceptAsk { view, prompts: request.prompts.clone(), score_threshold, max_instances })
    };
    request.views.into_iter().enumerate().map(ask).collect()
}

pub(crate) fn interactive(
    request: wire::InteractiveRequest,
    limits: &Limits,
) -> Result<InteractiveAsk, Refusal> {
    let Some(one) = request.view else { return invalid("view: missing".to_owned()) };
    let view = view(0, one, limits)?;
    let pick = match (request.r#box, request.points) {
        (Some(b), points) if points.is_empty() => rect(b, &view)?,
        (None, points) if !points.is_empty() => self::points(points, &view)?,
        _ => return invalid("give a box or points, and not both".to_owned()),
    };
    Ok(InteractiveAsk { view, pick })
}

fn rect(b: wire::Box, view: &View) -> Result<Pick, Refusal> {
    let rect = Rect { x0: b.x0.into(), y0: b.y0.into(), x1: b.x1.into(), y1: b.y1.into() };
    let finite = [rect.x0, rect.y0, rect.x1, rect.y1].iter().all(|v| v.is_finite());
    if !finite || rect.x1 <= rect.x0 || rect.y1 <= rect.y0 {
        return invalid(format!("box {rect:?}: corners are finite, x0 < x1 and y0 < y1"));
    }
    let (w, h) = (f64::from(view.width), f64::from(view.height));
    if rect.x1 < 0.0 || rect.y1 < 0.0 || rect.x0 > w - 1.0 || rect.y0 > h - 1.0 {
        return invalid(format!("box {rect:?} lies outside the picture of {w}x{h} pixels"));
    }
    Ok(Pick::Rect(rect))
}

fn points(points: Vec<wire::Point>, view: &View) -> Result<Pick, Refusal> {
    if points.len() > POINTS {
        return invalid(format!("points: {} given; at most {POINTS}", points.len()));
    }
    let points: Vec<Point> =
        points.into_iter().map(|p| Point { x: p.x.into(), y: p.y.into(), positive: p.positive }).collect();
    let (w, h) = (f64::from(view.width), f64::from(view.height));
    if let Some(p) = points.iter().find(|p| !(p.x.is_finite() && p.y.is_finite())) {
        return invalid(format!("points: ({}, {}) is not finite", p.x, p.y));
    }
    let inside = |p: &&Point| (-0.5..w - 0.5).contains(&p.x) && (-0.5..h - 0.5).contains(&p.y);
    if !points.iter().filter(|p| p.positive).any(|p| inside(&p)) {
        return invalid(format!("points: none is positive and inside the picture of {w}x{h} pixels"));
    }
    Ok(Pick::Points(points))
}

fn view(at: usize, view: wire::View, limits: &Limits) -> Result<View, Refusal> {
    let image = view.image.unwrap_or_default();
    let (width, height) = size(at, &image, limits)?;
    Ok(View {
        image: image.encoded,
        width,
        height,
        intrinsics: intrinsics(at, &view.k)?,
        w2c: pose(at, &view.w2c)?,
        measured: measured(at, view.measured.unwrap_or_default())?,
    })
}

/// The picture's size: as its header says, else as the caller says where no pixels are needed.
fn size(at: usize, image: &wire::Image, limits: &Limits) -> Result<(u32, u32), Refusal> {
    let told = (image.width, image.height);
    let size = if image.encoded.is_empty() {
        if limits.needs_pixels {
            return invalid(format!("view {at}: the picture is empty, and this engine needs its pixels"));
        }
        told
    } else {
        let reader = ImageReader::new(Cursor::new(&image.encoded)).with_guessed_format();
        let header = reader.map_err(image::ImageError::from).and_then(|reader| reader.into_dimensions());
        header.map_err(|error| Refusal::Invalid(format!("view {at}: unreadable picture: {error}")))?
    };
    if told != (0, 0) && told != size {
        let ((w, h), (tw, th)) = (size, told);
        return invalid(format!("view {at}: the picture has {w}x{h} pixels, not {tw}x{th} as said"));
    }
    let pixels = u64::from(size.0) * u64::from(size.1);
    if pixels == 0 || pixels > limits.max_pixels {
        let (w, h) = size;
        return invalid(format!(
            "view {at}: {w}x{h} pixels; allowed are 1 to {} (inference.max_pixels)",
            limits.max_pixels
        ));
    }
    Ok(size)
}

fn intrinsics(at: usize, k: &[f64]) -> Result<Option<Intrinsics>, Refusal> {
    match *k {
        [] => Ok(None),
        [fx, _, cx, _, fy, cy, _, _, _] if k.iter().all(|v| v.is_finite()) && fx > 0.0 && fy > 0.0 => {
            Ok(Some(Intrinsics { fx, fy, cx, cy }))
        }
        _ => invalid(format!("view {at}: k holds 9 finite values with positive focal lengths, or none")),
    }
}

fn pose(at: usize, w2c: &[f64]) -> Result<Option<[f64; 16]>, Refusal> {
    if w2c.is_empty() {
        return Ok(None);
    }
    let Ok(m) = <[f64; 16]>::try_from(w2c) else {
        return invalid(format!("view {at}: w2c holds 16 values or none, not {}", w2c.len()));
    };
    if !is_rigid(&m) {
        return invalid(format!(
            "view {at}: w2c is no rigid motion (rotation, translation, last row 0 0 0 1)"
        ));
    }
    Ok(Some(m))
}

fn is_rigid(m: &[f64; 16]) -> bool {
    let dot = |a: usize, b: usize| (0..3).map(|i| m[4 * a + i] * m[4 * b + i]).sum::<f64>();
    let orthonormal =
        (0..3).all(|a| (0..3).all(|b| (dot(a, b) - f64::from(u8::from(a == b))).abs() < ROTATION_TOLERANCE));
    let determinant = m[0] * (m[5] * m[10] - m[6] * m[9]) - m[1] * (m[4] * m[10] - m[6] * m[8])
        + m[2] * (m[4] * m[9] - m[5] * m[8]);
    m.iter().all(|v| v.is_finite()) && orthonormal && determinant > 0.0 && m[12..] == [0.0, 0.0, 0.0, 1.0]
}

fn measured(at: usize, measured: wire::Measured) -> Result<Measured, Refusal> {
    let unit = measured.metres_per_unit;
    let usable = unit.is_finite() && unit > 0.0;
    if !measured.depth.is_empty() && !usable {
        return invalid(format!("view {at}: metres_per_unit is {unit}; it is positive, e.g. 0.001"));
    }
    Ok(Measured {
        depth: measured.depth,
        metres_per_unit: unit,
        instances: measured.instances,
        labels: measured.labels.into_iter().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_views: 4, max_pixels: 1_000_000, needs_pixels: false };

    fn blank(width: u32, height: u32) -> wire::View {
        wire::View { image: Some(wire::Image { width, height, ..Default::default() }), ..Default::default() }
    }

    fn posed() -> wire::View {
        let identity = (0..16).map(|i| f64::from(u8::from(i % 5 == 0))).collect();
        wire::View { w2c: identity, ..blank(4, 3) }
    }

    fn refused(views: Vec<wire::View>) -> String {
        depth(wire::DepthRequest { views, ..Default::default() }, &LIMITS).unwrap_err().to_string()
    }

    #[test]
    fn counts_sizes_and_poses_are_checked() {
        assert!(refused(vec![]).contains("0 given"));
        assert!(refused(vec![blank(4, 3); 5]).contains("5 given"));
        assert!(refused(vec![posed(), blank(4, 3)]).contains("1 of 2"));
        assert!(refused(vec![blank(0, 3)]).contains("0x3"));
        assert!(refused(vec![blank(1 << 31, 1 << 31)]).contains("max_pixels"));
        let mut mirrored = posed();
        mirrored.w2c[0] = -1.0;
        assert!(refused(vec![mirrored]).contains("rigid"));
        let mut nan = posed();
        nan.w2c[3] = f64::NAN;
        assert!(refused(vec![nan]).contains("rigid"));
    }

    #[test]
    fn a_picture_that_lies_about_its_size_is_refused() {
        let mut png = Vec::new();
        image::GrayImage::new(2, 2).write_to(&mut Cursor::new(&mut png), image::ImageFormat::Png).unwrap();
        let mut view = blank(4, 3);
        view.image.as_mut().unwrap().encoded = png.into();
        assert!(refused(vec![view]).contains("2x2"));
        let mut view = blank(4, 3);
        view.image.as_mut().unwrap().encoded = vec![1, 2, 3].into();
        assert!(refused(vec![view]).contains("unreadable"));
    }

    #[test]
    fn a_pair_is_two_views_of_one_size_with_intrinsics() {
        let pair = |right| wire::Stereo { left: 0, right, baseline_m: 0.2, doffs_px: 0.0 };
        let ask = |views, pair| {
            let request = wire::DepthRequest { views, stereo: Some(pair), ..Default::default() };
            depth(request, &LIMITS).map(|_| ()).map_err(|refusal| refusal.to_string())
        };
        let left = wire::View { k: vec![9.0, 0.0, 2.0, 0.0, 9.0, 1.5, 0.0, 0.0, 1.0], ..blank(4, 3) };
        assert!(ask(vec![left.clone(), blank(4, 3)], pair(1)).is_ok());
        assert!(ask(vec![left.clone(), blank(4, 3)], pair(2)).unwrap_err().contains("no two positions"));
        assert!(ask(vec![left, blank(5, 3)], pair(1)).unwrap_err().contains("one size"));
        assert!(ask(vec![blank(4, 3), blank(4, 3)], pair(1)).unwrap_err().contains("intrinsics"));
    }
}
