//! Measured instance masks: a grey PNG whose values are ids, and names for the ids.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Cursor,
};

use image::{ExtendedColorType, ImageDecoder as _, codecs::png::PngDecoder};

use super::{label, same_aspect};
use crate::{Concept, ConceptAsk, Instance, InteractiveAsk, Mask, Pick, Point, Rect, Refusal, View};

const MAP_PIXELS: u64 = 64_000_000;
/// How many labels a note lists.
const LISTED: usize = 12;

/// A decoded grey picture.
pub(super) struct Grey {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bits: u8,
    pub(super) values: Vec<u16>,
}

/// Decodes an 8- or 16-bit grey PNG, refusing more than `max_pixels` before allocating.
pub(super) fn grey_png(bytes: &[u8], max_pixels: u64) -> Result<Grey, String> {
    let unreadable = |error: image::ImageError| format!("unreadable PNG: {error}");
    // The format is named, not guessed: nothing else may be tried on these bytes.
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(max_pixels * 2 + (1 << 20));
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(unreadable)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(format!("a PNG of {width}x{height} pixels; at most {max_pixels} are allowed"));
    }
    let bits: u8 = match decoder.original_color_type() {
        ExtendedColorType::L8 => 8,
        ExtendedColorType::L16 => 16,
        other => return Err(format!("a PNG of type {other:?}; expected 8- or 16-bit grey")),
    };
    let mut raw = vec![0; decoder.total_bytes() as usize];
    decoder.read_image(&mut raw).map_err(unreadable)?;
    let values = match bits {
        8 => raw.into_iter().map(u16::from).collect(),
        _ => raw.chunks_exact(2).map(|two| u16::from_ne_bytes([two[0], two[1]])).collect(),
    };
    Ok(Grey { width, height, bits, values })
}

/// The named instances of one view.
struct Instances<'a> {
    width: u32,
    height: u32,
    ids: Vec<u16>,
    labels: &'a BTreeMap<u32, String>,
    /// Map pixels per picture pixel.
    scale: (f64, f64),
}

impl<'a> Instances<'a> {
    fn of(view: &'a View) -> Result<Self, Refusal> {
        if view.measured.instances.is_empty() {
            return Err(Refusal::Precondition(
                "this picture carries no measured instance masks, and the sensor engine sees nothing itself; give the \
                 frame a mask map with labels, or add a segmentation pod for bare pictures"
                    .to_owned(),
            ));
        }
        let grey = grey_png(&view.measured.instances, MAP_PIXELS)
            .map_err(|error| Refusal::Invalid(format!("measured instances: {error}")))?;
        if !same_aspect((grey.width, grey.height), (view.width, view.height)) {
            return Err(Refusal::Invalid(format!(
                "a mask map of {}x{} does not cover a picture of {}x{}: their aspects differ",
                grey.width, grey.height, view.width, view.height
            )));
        }
        let scale =
            (f64::from(grey.width) / f64::from(view.width), f64::from(grey.height) / f64::from(view.height));
        let labels = &view.measured.labels;
        Ok(Self { width: grey.width, height: grey.height, ids: grey.values, labels, scale })
    }

    /// Labelled ids that have pixels, with their bounds in map pixels (inclusive).
    fn bounds(&self) -> BTreeMap<u32, [u32; 4]> {
        let mut bounds: BTreeMap<u32, [u32; 4]> = BTreeMap::new();
        for (y, row) in (0..).zip(self.ids.chunks_exact(self.width as usize)) {
            for (x, &id) in (0..).zip(row) {
                let b = bounds.entry(id.into()).or_insert([x, y, x, y]);
                *b = [b[0].min(x), b[1].min(y), b[2].max(x), b[3].max(y)];
            }
        }
        bounds.retain(|id, _| self.labels.contains_key(id));
        bounds
    }

    /// The labelled id at a point of the picture.
    fn at(&self, point: &Point) -> Option<u32> {
        let x = ((point.x + 0.5) * self.scale.0).floor();
        let y = ((point.y + 0.5) * self.scale.1).floor();
        let inside = x >= 0.0 && y >= 0.0 && x < f64::from(self.width) && y < f64::from(self.height);
        let id = inside.then(|| u32::from(self.ids[y as usize * self.width as usize + x as usize]))?;
        self.labels.contains_key(&id).then_some(id)
    }

    fn rect(&self, [x0, y0, x1, y1]: [u32; 4]) -> Rect {
        let (sx, sy) = self.scale;
        let back = |v: u32, s: f64, edge: f64| (f64::from(v) + 0.5 + edge) / s - 0.5 - edge;
        Rect { x0: back(x0, sx, -0.5), y0: back(y0, sy, -0.5), x1: back(x1, sx, 0.5), y1: back(y1, sy, 0.5) }
    }

    fn instance(&self, id: u32, bounds: [u32; 4], score: f32) -> Instance {
        Instance {
            id,
            score,
            label: self.labels.get(&id).cloned().unwrap_or_default(),
            rect: self.rect(bounds),
            mask: Mask::pack(self.width, self.height, self.ids.iter().map(|&value| u32::from(value) == id)),
        }
    }
}

/// The instances whose labels a text means.
pub(super) fn concepts(ask: &ConceptAsk) -> Result<Vec<Concept>, Refusal> {
    let instances = Instances::of(&ask.view)?;
    let bounds = instances.bounds();
    Ok(ask.prompts.iter().map(|prompt| concept(&instances, &bounds, prompt, ask.max_instances)).collect())
}

fn concept(instances: &Instances<'_>, bounds: &BTreeMap<u32, [u32; 4]>, prompt: &str, max: usize) -> Concept {
    let visible = bounds.keys().filter_map(|id| instances.labels.get(id).map(|label| (*id, label.as_str())));
    let matched = label::matching(prompt, visible);
    let found: Vec<Instance> = bounds
        .iter()
        .filter(|(id, _)| matched.contains(id))
        .take(max)
        .map(|(&id, &b)| instances.instance(id, b, 1.0))
        .collect();
    let note = if found.is_empty() { absent(instances.labels, bounds, prompt) } else { String::new() };
    Concept { presence: f32::from(u8::from(!found.is_empty())), instances: found, note }
}

fn absent(labels: &BTreeMap<u32, String>, bounds: &BTreeMap<u32, [u32; 4]>, prompt: &str) -> String {
    let names: BTreeSet<&str> = bounds.keys().filter_map(|id| labels.get(id)).map(String::as_str).collect();
    if names.is_empty() {
        return format!("`{prompt}`: no labelled object is visible in this picture");
    }
    let listed: Vec<&str> = names.iter().take(LISTED).copied().collect();
    let more = if names.len() > LISTED { ", ..." } else { "" };
    format!("`{prompt}` matches no object in this picture; it shows: {}{more}", listed.join(", "))
}

/// The instances that points or a box pick, best first.
pub(super) fn picked(ask: &InteractiveAsk) -> Result<Vec<Instance>, Refusal> {
    let instances = Instances::of(&ask.view)?;
    let bounds = instances.bounds();
    let mut scored = match &ask.pick {
        Pick::Rect(rect) => in_rect(&instances, &bounds, *rect),
        Pick::Points(points) => under_points(&instances, points),
    };
    scored.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let best = scored.into_iter().take(3);
    Ok(best.filter_map(|(id, s)| bounds.get(&id).map(|&b| instances.instance(id, b, s as f32))).collect())
}

/// Overlap of each instance's own box with the box asked for.
fn in_rect(instances: &Instances<'_>, bounds: &BTreeMap<u32, [u32; 4]>, rect: Rect) -> Vec<(u32, f64)> {
    let scored = bounds.iter().map(|(&id, &b)| (id, iou(instances.rect(b), rect)));
    scored.filter(|(_, score)| *score > 0.0).collect()
}

/// Area of the intersection over that of the union; a box from 0 to 0 still covers one pixel.
fn iou(a: Rect, b: Rect) -> f64 {
    let side = |a0: f64, a1: f64, b0: f64, b1: f64| (a1.min(b1) - a0.max(b0) + 1.0).max(0.0);
    let shared = side(a.x0, a.x1, b.x0, b.x1) * side(a.y0, a.y1, b.y0, b.y1);
    let area = |r: Rect| (r.x1 - r.x0 + 1.0) * (r.y1 - r.y0 + 1.0);
    shared / (area(a) + area(b) - shared)
}

/// Share of the positive points that lie on each instance; one under a negative point is out.
fn under_points(instances: &Instances<'_>, points: &[Point]) -> Vec<(u32, f64)> {
    let positive = points.iter().filter(|p| p.positive).count();
    let mut votes: BTreeMap<u32, usize> = BTreeMap::new();
    for point in points.iter().filter(|p| p.positive) {
        if let Some(id) = instances.at(point) {
            *votes.entry(id).or_default() += 1;
        }
    }
    for point in points.iter().filter(|p| !p.positive) {
        instances.at(point).map(|id| votes.remove(&id));
    }
    votes.into_iter().map(|(id, count)| (id, count as f64 / positive as f64)).collect()
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, ImageFormat};

    use super::*;
    use crate::Measured;

    /// A picture of 8x8 over a map of 4x4: 1 at the top left, 2 at the bottom right, 9 unlabelled between.
    fn view() -> View {
        let ids = [1, 1, 0, 0, 1, 1, 9, 0, 0, 9, 2, 2, 0, 0, 2, 2];
        let mut map = Vec::new();
        let picture = GrayImage::from_raw(4, 4, ids.to_vec()).unwrap();
        picture.write_to(&mut Cursor::new(&mut map), ImageFormat::Png).unwrap();
        let labels =
            BTreeMap::from([(1, "red chair".to_owned()), (2, "table".to_owned()), (7, "lamp".to_owned())]);
        let measured = Measured { instances: map.into(), labels, ..Measured::default() };
        View { image: Default::default(), width: 8, height: 8, intrinsics: None, w2c: None, measured }
    }

    fn pick(pick: Pick) -> Vec<u32> {
        picked(&InteractiveAsk { view: view(), pick }).unwrap().iter().map(|found| found.id).collect()
    }

    fn point(x: f64, y: f64, positive: bool) -> Point {
        Point { x, y, positive }
    }

    #[test]
    fn a_text_finds_what_it_names_with_its_id() {
        let prompts = ["chairs", "lamp", "thing"].map(str::to_owned).to_vec();
        let ask = ConceptAsk { view: view(), prompts, score_threshold: 0.3, max_instances: 9 };
        let found = concepts(&ask).unwrap();
        assert_eq!(found[0].instances.len(), 1);
        assert_eq!((found[0].instances[0].id, found[0].instances[0].mask.area), (1, 4));
        let rect = found[0].instances[0].rect;
        assert_eq!((rect.x0, rect.y0, rect.x1, rect.y1), (0.0, 0.0, 3.0, 3.0), "in pixels of the picture");
        assert!(found[1].instances.is_empty());
        assert_eq!(found[1].note, "`lamp` matches no object in this picture; it shows: red chair, table");
        assert_eq!(found[2].instances.len(), 2, "unlabelled ids are no objects");
    }

    #[test]
    fn a_box_picks_the_best_overlap() {
        assert_eq!(pick(Pick::Rect(Rect { x0: 3.0, y0: 3.0, x1: 7.0, y1: 7.0 })), [2, 1]);
        assert!(pick(Pick::Rect(Rect { x0: 5.0, y0: 0.0, x1: 7.0, y1: 2.0 })).is_empty());
    }

    #[test]
    fn points_pick_what_is_under_them_unless_a_negative_point_is_too() {
        assert_eq!(pick(Pick::Points(vec![point(3.0, 3.0, true)])), [1]);
        assert_eq!(
            pick(Pick::Points(vec![point(6.0, 6.0, true), point(1.0, 1.0, true), point(0.0, 0.0, false)])),
            [2]
        );
        assert!(pick(Pick::Points(vec![point(5.0, 3.0, true)])).is_empty(), "9 has no label");
    }
}
