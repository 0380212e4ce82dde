//! Convex hulls in the plane.

type Point = [f64; 2];

/// Corners of the hull of `flat` (K, 2), counter-clockwise, none on a straight edge; points that are not finite are
/// left out.
///
/// Most points of an object lie well inside: those inside the polygon of the extremes in eight directions are dropped
/// before anything is sorted (Akl and Toussaint 1978).
pub(super) fn corners(flat: &[f64]) -> Vec<Point> {
    let points = || flat.chunks_exact(2).map(|pair| [pair[0], pair[1]]).filter(finite);
    let extremes = extremes(points());
    let edges: Vec<(Point, Point)> = extremes
        .iter()
        .copied()
        .zip(extremes.iter().copied().cycle().skip(1))
        .filter(|(from, to)| from != to)
        .collect();
    let rim =
        |point: &Point| edges.len() < 3 || edges.iter().any(|(from, to)| turn(*from, *to, *point) <= 0.0);
    let mut kept: Vec<Point> = points().filter(rim).collect();
    kept.sort_unstable_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    kept.dedup();
    if kept.len() < 3 {
        return kept;
    }
    let mut corners = chain(kept.iter());
    let back = chain(kept.iter().rev());
    corners.extend(back);
    corners
}

fn finite(point: &Point) -> bool {
    point[0].is_finite() && point[1].is_finite()
}

/// The farthest point in each of eight directions, counter-clockwise from the right.
fn extremes(points: impl Iterator<Item = Point>) -> Vec<Point> {
    const DIRECTIONS: [Point; 8] = [
        [1.0, 0.0],
        [1.0, 1.0],
        [0.0, 1.0],
        [-1.0, 1.0],
        [-1.0, 0.0],
        [-1.0, -1.0],
        [0.0, -1.0],
        [1.0, -1.0],
    ];
    let mut farthest = [(f64::NEG_INFINITY, [0.0, 0.0]); 8];
    let mut any = false;
    for point in points {
        any = true;
        for (best, direction) in farthest.iter_mut().zip(&DIRECTIONS) {
            let reach = point[0] * direction[0] + point[1] * direction[1];
            if reach > best.0 {
                *best = (reach, point);
            }
        }
    }
    if any { farthest.map(|(_, point)| point).to_vec() } else { Vec::new() }
}

/// Half of the hull of sorted points: corners that turn left, without the last one.
fn chain<'a>(points: impl Iterator<Item = &'a Point>) -> Vec<Point> {
    let mut corners: Vec<Point> = Vec::new();
    for &point in points {
        while let [.., before, last] = corners[..]
            && turn(before, last, point) <= 0.0
        {
            corners.pop();
        }
        corners.push(point);
    }
    corners.pop();
    corners
}

/// Positive if `point` lies to the left of the way from `from` to `to`.
fn turn(from: Point, to: Point, point: Point) -> f64 {
    (to[0] - from[0]) * (point[1] - from[1]) - (to[1] - from[1]) * (point[0] - from[0])
}
