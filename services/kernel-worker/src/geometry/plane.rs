//! The plane that most points lie on (RANSAC, Fischler and Bolles 1981).
//!
//! Always the same for the same points: numbers are drawn from SplitMix64, seeded with 42, and
//! `spatialclaw._geometry_py` draws the same ones.

use super::Number;

const SEED: u64 = 42;
/// Points that score a plane; more would not change which plane wins.
const SCORING: usize = 20_000;
/// Points scored before looking whether a plane can still win.
const BLOCK: usize = 1024;
const FEWEST_POINTS: usize = 100;
const FEWEST_INLIERS: usize = 50;

/// What counts as on the plane, and how long to look for it.
pub(super) struct Search {
    /// Points with a confidence above this are looked at.
    pub(super) threshold: f64,
    pub(super) iterations: usize,
    /// Metres.
    pub(super) distance: f64,
}

/// The points on the plane that was found.
pub(super) struct Fit {
    /// 1 or 0 for each confident point.
    pub(super) inliers: Vec<u8>,
    /// Sums of products of the inliers' deviations from their mean (3, 3); the plane's normal is its eigenvector with
    /// the smallest eigenvalue.
    pub(super) spread: [f64; 9],
}

/// `points` (K, 3), `confidence` (K), K < 2^32. `None`: fewer than 100 confident points that were measured, or fewer
/// than 50 of them on the best plane.
pub(super) fn fit<T: Number>(points: &[T], confidence: &[T], search: &Search) -> Option<Fit> {
    let usable = usable(points, confidence, search.threshold);
    if usable.len() < FEWEST_POINTS {
        return None;
    }
    let best = best(points, &usable, search)?;
    let mut inliers = Vec::with_capacity(usable.len());
    let (mut count, mut sum) = (0usize, [0.0; 3]);
    for (at, &sure) in confidence.iter().enumerate() {
        if sure.into() > search.threshold {
            let point = point(points, at);
            let on = best.distance(point) < search.distance;
            inliers.push(u8::from(on));
            if on {
                count += 1;
                sum = [0, 1, 2].map(|axis| sum[axis] + point[axis]);
            }
        }
    }
    if count < FEWEST_INLIERS {
        return None;
    }
    let mean = sum.map(|total| total / count as f64);
    Some(Fit { spread: spread(points, &usable, &best, search.distance, mean), inliers })
}

/// Positions of the confident points that were measured.
fn usable<T: Number>(points: &[T], confidence: &[T], threshold: f64) -> Vec<u32> {
    let mut usable = Vec::new();
    for (at, (&sure, point)) in confidence.iter().zip(points.chunks_exact(3)).enumerate() {
        if sure.into() > threshold && point.iter().all(|&number| number.into().is_finite()) {
            usable.push(at as u32);
        }
    }
    usable
}

/// Points with dot(normal, p) + offset = 0.
#[derive(Clone, Copy)]
struct Plane {
    normal: [f64; 3],
    offset: f64,
}

impl Plane {
    /// The plane through three points; `None` if they lie on a line.
    fn through([a, b, c]: [[f64; 3]; 3]) -> Option<Self> {
        let (u, v) = ([0, 1, 2].map(|axis| b[axis] - a[axis]), [0, 1, 2].map(|axis| c[axis] - a[axis]));
        let cross = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
        let length = cross.iter().map(|part| part * part).sum::<f64>().sqrt();
        if length.is_nan() || length <= 1e-12 {
            return None;
        }
        let normal = cross.map(|part| part / length);
        Some(Self { normal, offset: -(normal[0] * a[0] + normal[1] * a[1] + normal[2] * a[2]) })
    }

    fn distance(&self, [x, y, z]: [f64; 3]) -> f64 {
        (self.normal[0] * x + self.normal[1] * y + self.normal[2] * z + self.offset).abs()
    }
}

/// The first of the drawn planes that the most scoring points lie on.
fn best<T: Number>(points: &[T], usable: &[u32], search: &Search) -> Option<Plane> {
    let mut draw = Draw { state: SEED, below: usable.len() as u64 };
    let mut drawn = || point(points, usable[draw.next()] as usize);
    let planes: Vec<Option<Plane>> =
        (0..search.iterations).map(|_| Plane::through([drawn(), drawn(), drawn()])).collect();
    let scoring = if usable.len() <= SCORING {
        Columns::new(usable.iter().map(|&at| point(points, at as usize)))
    } else {
        Columns::new((0..SCORING).map(|_| drawn()))
    };
    let mut best: Option<(usize, Plane)> = None;
    for plane in planes.into_iter().flatten() {
        let least = best.map_or(0, |(count, _)| count + 1);
        if let Some(count) = scoring.count(&plane, search.distance, least) {
            best = Some((count, plane));
        }
    }
    best.map(|(_, plane)| plane)
}

/// Points as three columns, which add up faster.
struct Columns {
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
}

impl Columns {
    fn new(points: impl ExactSizeIterator<Item = [f64; 3]>) -> Self {
        let empty = || Vec::with_capacity(points.len());
        let mut columns = Self { x: empty(), y: empty(), z: empty() };
        for [x, y, z] in points {
            columns.x.push(x);
            columns.y.push(y);
            columns.z.push(z);
        }
        columns
    }

    /// How many points lie within `distance` of `plane`; `None` as soon as it cannot be `least` any more.
    fn count(&self, plane: &Plane, distance: f64, least: usize) -> Option<usize> {
        let (mut count, mut left) = (0, self.x.len());
        let blocks = self.x.chunks(BLOCK).zip(self.y.chunks(BLOCK)).zip(self.z.chunks(BLOCK));
        for ((x, y), z) in blocks {
            let near = x.iter().zip(y).zip(z).map(|((&x, &y), &z)| plane.distance([x, y, z]) < distance);
            count += near.map(u64::from).sum::<u64>() as usize;
            left -= x.len();
            if count + left < least {
                return None;
            }
        }
        Some(count)
    }
}

fn spread<T: Number>(points: &[T], usable: &[u32], plane: &Plane, distance: f64, mean: [f64; 3]) -> [f64; 9] {
    let mut sums = [0.0; 9];
    for &at in usable {
        let point = point(points, at as usize);
        if plane.distance(point) < distance {
            let off = [0, 1, 2].map(|axis| point[axis] - mean[axis]);
            for (at, sum) in sums.iter_mut().enumerate() {
                *sum += off[at / 3] * off[at % 3];
            }
        }
    }
    sums
}

fn point<T: Number>(points: &[T], at: usize) -> [f64; 3] {
    [points[at * 3].into(), points[at * 3 + 1].into(), points[at * 3 + 2].into()]
}

/// SplitMix64 (Steele, Lea and Flood 2014), as whole numbers below a bound.
struct Draw {
    state: u64,
    /// At most 2^32.
    below: u64,
}

impl Draw {
    fn next(&mut self) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (((mixed >> 32) * self.below) >> 32) as usize
    }
}
