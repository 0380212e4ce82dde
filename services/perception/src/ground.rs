//! Which way is up, from the floor one sees.
//!
//! RANSAC over planes through three points of the lower half of the picture,
//! among those whose normal is within 45° of the camera's own up; the plane
//! with most points within 5 cm wins and is refitted on ever closer points, so
//! that rugs and feet of furniture do not tilt it. Seeded: the same picture
//! gives the same floor.

use crate::rigid::{V3, cross, dot, minus, scaled, unit};

/// The camera's own up, in camera axes.
const CAMERA_UP: V3 = [0.0, -1.0, 0.0];
/// Cosine of how far up may be from the camera's own up.
const MIN_COSINE: f64 = 0.707;
const ROUNDS: usize = 1000;
/// Metres, first for the vote, then for each refit.
const CLOSE: [f64; 4] = [0.05, 0.05, 0.02, 0.01];
const MIN_INLIERS: usize = 50;
/// Share of the points that must lie on the floor.
const MIN_SHARE: f64 = 0.05;

/// A point in camera axes, metres, and whether it lies in the lower half of the picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) point: V3,
    pub(crate) low: bool,
}

/// A plane `normal · p = offset`.
#[derive(Clone, Copy, Debug)]
struct Plane {
    normal: V3,
    offset: f64,
}

/// The floor's normal in camera axes, pointing up; none if no floor is seen.
pub(crate) fn up(samples: &[Sample]) -> Option<V3> {
    let best = vote(samples)?;
    let plane = refit(best, samples);
    let cosine = dot(plane.normal, CAMERA_UP);
    (cosine >= MIN_COSINE).then_some(plane.normal)
}

fn vote(samples: &[Sample]) -> Option<Plane> {
    let seeds: Vec<V3> = samples.iter().filter(|sample| sample.low).map(|sample| sample.point).collect();
    if seeds.len() < MIN_INLIERS {
        return None;
    }
    let mut random = Random(42);
    let mut best: Option<(usize, Plane)> = None;
    for _ in 0..ROUNDS {
        let [a, b, c] = std::array::from_fn(|_| seeds[random.below(seeds.len())]);
        let Some(plane) = through(a, b, c) else { continue };
        let votes = samples.iter().filter(|sample| plane.holds(sample.point, CLOSE[0])).count();
        if best.is_none_or(|(most, _)| votes > most) {
            best = Some((votes, plane));
        }
    }
    let enough = MIN_INLIERS.max((samples.len() as f64 * MIN_SHARE) as usize);
    best.filter(|(votes, _)| *votes >= enough).map(|(_, plane)| plane)
}

fn through(a: V3, b: V3, c: V3) -> Option<Plane> {
    let normal = unit(cross(minus(b, a), minus(c, a)))?;
    let normal = if dot(normal, CAMERA_UP) < 0.0 { scaled(normal, -1.0) } else { normal };
    (dot(normal, CAMERA_UP) >= MIN_COSINE).then(|| Plane { normal, offset: dot(normal, a) })
}

/// Least squares on the points close by, closer each time as long as most of them stay.
fn refit(mut plane: Plane, samples: &[Sample]) -> Plane {
    let mut kept = 0;
    for close in CLOSE {
        let near: Vec<V3> =
            samples.iter().map(|sample| sample.point).filter(|&point| plane.holds(point, close)).collect();
        if near.len() < MIN_INLIERS || near.len() * 2 < kept {
            break;
        }
        kept = near.len();
        match least_squares(&near) {
            Some(better) => plane = better,
            None => break,
        }
    }
    plane
}

/// The plane `y = a x + b z + c` with the least squares in y; within 45° of level there always is one.
fn least_squares(points: &[V3]) -> Option<Plane> {
    let count = points.len() as f64;
    let mean: V3 = std::array::from_fn(|i| points.iter().map(|p| p[i]).sum::<f64>() / count);
    let (mut xx, mut xz, mut zz, mut xy, mut zy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for point in points {
        let [x, y, z] = minus(*point, mean);
        xx += x * x;
        xz += x * z;
        zz += z * z;
        xy += x * y;
        zy += z * y;
    }
    let determinant = xx * zz - xz * xz;
    if determinant <= 1e-12 * (xx + zz).powi(2) {
        return None;
    }
    let a = (xy * zz - zy * xz) / determinant;
    let b = (zy * xx - xy * xz) / determinant;
    let normal = unit([a, -1.0, b])?;
    Some(Plane { normal, offset: dot(normal, mean) })
}

impl Plane {
    fn holds(&self, point: V3, close: f64) -> bool {
        (dot(self.normal, point) - self.offset).abs() < close
    }
}

/// A small generator of our own: its sequence never changes under us.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit
    }
}
