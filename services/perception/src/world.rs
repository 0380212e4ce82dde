//! One world for everything a question's cells compute.
//!
//! +Y is up, the floor lies at about Y = 0, and the anchor camera stands at
//! X = Z = 0 and looks along −Z (its right is +X). Metres.
//!
//! **The anchor** is the question's first frame, whatever frames a cell asks
//! for: poses put all frames in one place already, so fixing the world by one
//! frame lets a cell compare what separate calls returned. Without poses
//! frames cannot be related, and the anchor is the first frame asked for.
//!
//! **Up** is, in this order: what the capture said (`world_up`); the normal of
//! the floor the anchor sees ([`crate::ground`]); the anchor camera's own up,
//! as if it were held level. `gravity_source` says which.
//!
//! **The floor** is the 5th percentile of the heights the anchor sees, given
//! 100 readings; with fewer the anchor camera itself is at Y = 0.

use spatialclaw_domain::Intrinsics;
use spatialclaw_models::pod::ViewDepth;

use crate::{
    ground::{self, Sample},
    rigid::{self, Rigid, V3, column, cross, dot, minus, scaled, unit},
};

const MIN_CONFIDENCE: f32 = 0.3;
const MIN_READINGS: usize = 100;
const FLOOR_PERCENTILE: f64 = 0.05;
/// Points the floor is sought among.
const SAMPLES: usize = 4000;

/// Where the world lies in the poses' own world.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// From the poses' world to ours.
    pub(crate) motion: Rigid,
    /// How up was found.
    pub(crate) gravity_source: &'static str,
}

impl World {
    /// Fixes the world by what `anchor` sees; `world_up` is in the poses' world.
    pub(crate) fn fixed_by(anchor: &ViewDepth, world_up: Option<V3>) -> Self {
        let pose = rigid::inverse(&anchor.w2c);
        let (up, gravity_source) = up(anchor, &pose, world_up);
        let level = levelled(&pose, up);
        let seen = rigid::compose(&level, &pose);
        let floor = floor(anchor, &seen).unwrap_or(seen[7]);
        let mut motion = level;
        motion[3] -= seen[3];
        motion[7] -= floor;
        motion[11] -= seen[11];
        Self { motion, gravity_source }
    }

    /// A view's camera-to-world pose in this world.
    pub(crate) fn pose(&self, view: &ViewDepth) -> Rigid {
        rigid::compose(&self.motion, &rigid::inverse(&view.w2c))
    }
}

fn up(anchor: &ViewDepth, pose: &Rigid, world_up: Option<V3>) -> (V3, &'static str) {
    if let Some(up) = world_up.and_then(unit) {
        return (up, "world_up");
    }
    match ground::up(&samples(anchor)) {
        Some(normal) => (rotated(pose, normal), "ground plane"),
        None => (scaled(column(pose, 1), -1.0), "level camera"),
    }
}

fn rotated(m: &Rigid, v: V3) -> V3 {
    [dot([m[0], m[1], m[2]], v), dot([m[4], m[5], m[6]], v), dot([m[8], m[9], m[10]], v)]
}

/// The rotation that makes `up` +Y and the camera's horizontal forward −Z.
fn levelled(pose: &Rigid, up: V3) -> Rigid {
    let horizontal = |v: V3| unit(minus(v, scaled(up, dot(v, up))));
    // A camera that looks straight down has its forward at the top of the picture.
    let forward = horizontal(column(pose, 2)).or_else(|| horizontal(scaled(column(pose, 1), -1.0)));
    let back = scaled(forward.unwrap_or_else(|| perpendicular(up)), -1.0);
    rigid::from_rows(cross(up, back), up, back, [0.0; 3])
}

fn perpendicular(v: V3) -> V3 {
    let other = if v[0].abs() < 0.9 { [1.0, 0.0, 0.0] } else { [0.0, 1.0, 0.0] };
    unit(cross(v, other)).unwrap_or([0.0, 0.0, 1.0])
}

/// Height of the floor under the anchor camera whose levelled pose is `seen`.
fn floor(anchor: &ViewDepth, seen: &Rigid) -> Option<f64> {
    let row = [seen[4], seen[5], seen[6]];
    let mut heights: Vec<f64> =
        readings(anchor, 1).map(|(point, _)| dot(row, point) + seen[7]).filter(|y| y.is_finite()).collect();
    if heights.len() < MIN_READINGS {
        return None;
    }
    let rank = ((heights.len() - 1) as f64 * FLOOR_PERCENTILE) as usize;
    let (_, floor, _) = heights.select_nth_unstable_by(rank, f64::total_cmp);
    Some(*floor)
}

fn samples(view: &ViewDepth) -> Vec<Sample> {
    let pixels = view.width as usize * view.height as usize;
    let step = ((pixels as f64 / SAMPLES as f64).sqrt() as usize).max(1);
    let middle = view.height / 2;
    readings(view, step).map(|(point, row)| Sample { point, low: row >= middle }).collect()
}

/// Every `step`th confident reading in both directions, in camera axes, with its row.
fn readings(view: &ViewDepth, step: usize) -> impl Iterator<Item = (V3, u32)> {
    let Intrinsics { fx, fy, cx, cy } = view.intrinsics;
    let width = view.width as usize;
    let rows = (0..view.height).step_by(step);
    rows.flat_map(move |row| (0..view.width).step_by(step).map(move |at| (row, at))).filter_map(
        move |(v, u)| {
            let at = v as usize * width + u as usize;
            let z = f64::from(view.depth[at]);
            let seen = view.confidence[at] > MIN_CONFIDENCE && z.is_finite() && z > 0.0;
            seen.then(|| ([(f64::from(u) - cx) * z / fx, (f64::from(v) - cy) * z / fy, z], v))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rigid::IDENTITY;

    const HEIGHT: f64 = 1.5;

    /// A room: floor at world Y = 0 (+Y up), a wall 4 m ahead, seen by a camera 1.5 m up that is pitched down by
    /// `pitch`, turned by `yaw` and rolled by `roll`. Returns what it sees and its pose.
    fn room(pitch: f64, yaw: f64, roll: f64, with_floor: bool) -> (ViewDepth, Rigid) {
        let pose = camera(pitch, yaw, roll);
        let k = Intrinsics { fx: 60.0, fy: 60.0, cx: 39.5, cy: 29.5 };
        let mut view = ViewDepth {
            index: 0,
            width: 80,
            height: 60,
            depth: vec![0.0; 4800],
            confidence: vec![0.0; 4800],
            intrinsics: k,
            w2c: rigid::inverse(&pose),
        };
        // The wall stands 4 m ahead of the camera's heading.
        let heading = [-yaw.sin(), 0.0, -yaw.cos()];
        for at in 0..4800 {
            let (u, v) = ((at % 80) as f64, (at / 80) as f64);
            let ray = rotated(&pose, [(u - k.cx) / k.fx, (v - k.cy) / k.fy, 1.0]);
            let to_floor = if with_floor && ray[1] < 0.0 { HEIGHT / -ray[1] } else { f64::INFINITY };
            let ahead = dot(ray, heading);
            let to_wall = if ahead > 0.0 { 4.0 / ahead } else { f64::INFINITY };
            let depth = to_floor.min(to_wall);
            if depth < 20.0 {
                view.depth[at] = depth as f32;
                view.confidence[at] = 1.0;
            }
        }
        (view, pose)
    }

    fn camera(pitch: f64, yaw: f64, roll: f64) -> Rigid {
        let turn = |axis: usize, angle: f64| {
            let (s, c) = angle.sin_cos();
            let (i, j) = ((axis + 1) % 3, (axis + 2) % 3);
            let mut m = IDENTITY;
            m[4 * i + i] = c;
            m[4 * j + j] = c;
            m[4 * i + j] = -s;
            m[4 * j + i] = s;
            m
        };
        // OpenCV axes of a level camera that looks along -Z: right +X, down -Y, forward -Z.
        let level = rigid::from_rows([1., 0., 0.], [0., -1., 0.], [0., 0., -1.], [0.; 3]);
        let turned = rigid::compose(&turn(1, yaw), &rigid::compose(&level, &turn(0, -pitch)));
        let mut pose = rigid::compose(&turned, &turn(2, roll));
        [pose[3], pose[7], pose[11]] = [2.0, HEIGHT, -7.0];
        pose
    }

    fn close(a: V3, b: V3, tolerance: f64) {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < tolerance), "{a:?} is not {b:?}");
    }

    fn check(view: &ViewDepth, world_up: Option<V3>, source: &str, pitch: f64) {
        let world = World::fixed_by(view, world_up);
        assert_eq!(world.gravity_source, source);
        let pose = world.pose(view);
        close(column(&pose, 3), [0.0, HEIGHT, 0.0], 2e-3);
        close(column(&pose, 2), [0.0, -pitch.sin(), -pitch.cos()], 2e-3);
        let heights = readings(view, 1).map(|(p, _)| dot([pose[4], pose[5], pose[6]], p) + pose[7]);
        let (floor, above): (Vec<f64>, Vec<f64>) = heights.partition(|y| y.abs() < 5e-3);
        assert!(floor.len() > 500, "the floor is seen, level and at 0: {} points", floor.len());
        assert!(above.iter().all(|y| *y > 0.0), "nothing lies under the floor");
    }

    #[test]
    fn a_pitched_camera_over_a_floor_finds_it() {
        for (pitch, yaw, roll) in [(0.4, 0.0, 0.0), (0.4, 2.0, 0.1), (0.2, -1.0, -0.2), (0.7, 0.3, 0.0)] {
            let (mut view, _) = room(pitch, yaw, roll, true);
            check(&view, None, "ground plane", pitch);
            view.w2c = IDENTITY;
            check(&view, None, "ground plane", pitch);
        }
    }

    #[test]
    fn what_the_capture_says_of_up_is_taken_exactly() {
        let (view, _) = room(0.4, 1.0, 0.1, true);
        check(&view, Some([0.0, 1.0, 0.0]), "world_up", 0.4);
    }

    #[test]
    fn without_a_floor_the_camera_counts_as_level() {
        let (view, _) = room(0.0, 0.0, 0.0, false);
        let world = World::fixed_by(&view, None);
        assert_eq!(world.gravity_source, "level camera");
        close(column(&world.pose(&view), 1), [0.0, -1.0, 0.0], 1e-9);
        close(column(&world.pose(&view), 2), [0.0, 0.0, -1.0], 1e-9);
    }

    #[test]
    fn a_camera_that_looks_straight_down_has_a_forward_too() {
        let (mut view, _) = room(0.4, 0.0, 0.0, true);
        view.w2c = rigid::inverse(&camera(std::f64::consts::FRAC_PI_2, 0.0, 0.0));
        let pose = World::fixed_by(&view, Some([0.0, 1.0, 0.0])).pose(&view);
        close(column(&pose, 2), [0.0, -1.0, 0.0], 1e-9);
        close(column(&pose, 1), [0.0, 0.0, 1.0], 1e-9);
    }

    #[test]
    fn nothing_seen_is_no_panic() {
        let (mut view, _) = room(0.4, 0.0, 0.0, true);
        view.confidence.fill(0.0);
        let world = World::fixed_by(&view, None);
        assert_eq!(world.gravity_source, "level camera");
        close(column(&world.pose(&view), 3), [0.0; 3], 1e-9);
    }
}
