//! The measured points of an object.

use std::ops::Range;

/// Points and their confidence.
pub(super) struct Picked {
    pub(super) points: Vec<[f32; 3]>,
    pub(super) confidence: Vec<f32>,
}

/// Points under `mask` whose confidence is above `threshold` and that were measured.
///
/// The mask is taken in by `rim` pixels first (steps to the four neighbours; what lies outside the picture counts as
/// inside the mask), unless less than a tenth of it would be left.
pub(super) fn under(
    points: &[f32],
    confidence: &[f32],
    mask: &[u8],
    columns: usize,
    threshold: f64,
    rim: usize,
) -> Picked {
    let mut found = Picked { points: Vec::new(), confidence: Vec::new() };
    let Some(band) = band(mask, columns) else { return found };
    let whole: Vec<u8> = mask[band.clone()].iter().map(|&set| u8::from(set != 0)).collect();
    let core = if rim == 0 { whole } else { core(whole, columns, rim) };
    let expected = count(&core);
    found.points.reserve(expected);
    found.confidence.reserve(expected);
    let (points, _) = points.as_chunks::<3>();
    for ((point, &sure), &set) in points[band.clone()].iter().zip(&confidence[band]).zip(&core) {
        if set != 0 && f64::from(sure) > threshold && point.iter().all(|number| number.is_finite()) {
            found.points.push(*point);
            found.confidence.push(sure);
        }
    }
    found
}

/// The pixels of the rows that hold something, and of one row more on either side, which is as good as all of them.
fn band(mask: &[u8], columns: usize) -> Option<Range<usize>> {
    let rows = || mask.chunks_exact(columns);
    let filled = |row: &[u8]| row.iter().fold(0, |any, set| any | set) != 0;
    let first = rows().position(filled)?;
    let last = rows().rposition(filled)?;
    Some(first.saturating_sub(1) * columns..(last + 2).min(mask.len() / columns) * columns)
}

fn core(whole: Vec<u8>, columns: usize, rim: usize) -> Vec<u8> {
    let mut now = whole.clone();
    let mut next = vec![0; whole.len()];
    // Nothing is farther from anything: more steps change nothing.
    for _ in 0..rim.min(columns + whole.len() / columns) {
        shrink(&now, columns, &mut next);
        std::mem::swap(&mut now, &mut next);
    }
    if count(&now) * 10 < count(&whole) { whole } else { now }
}

/// One step: a pixel stays if its neighbours are set.
fn shrink(from: &[u8], columns: usize, to: &mut [u8]) {
    let rows = from.len() / columns;
    for (row, out) in to.chunks_exact_mut(columns).enumerate() {
        let line = |at: usize| &from[at * columns..][..columns];
        let (own, above, below) = (line(row), line(row.saturating_sub(1)), line((row + 1).min(rows - 1)));
        for (at, place) in out.iter_mut().enumerate() {
            *place = own[at] & above[at] & below[at];
        }
        for (place, &left) in out[1..].iter_mut().zip(own) {
            *place &= left;
        }
        for (place, &right) in out.iter_mut().zip(&own[1..]) {
            *place &= right;
        }
    }
}

/// How many of the zeros and ones are ones.
fn count(mask: &[u8]) -> usize {
    mask.chunks(255).map(|few| usize::from(few.iter().sum::<u8>())).sum()
}
