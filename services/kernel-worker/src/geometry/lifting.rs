//! From depth to points, and from one world to another.

use super::Number;

/// World points of frames of `size` = (rows, columns); not a number stays not a number.
///
/// In single precision, as depth itself: a ray is off by 1e-7 of its length, a micrometre at ten metres.
pub(super) fn frames(depth: &[f32], cameras: &[f64], poses: &[f64], size: (usize, usize), out: &mut [f32]) {
    let pixels = size.0 * size.1;
    if pixels == 0 {
        return;
    }
    let each = depth.chunks_exact(pixels).zip(out.chunks_exact_mut(pixels * 3));
    for (at, (depth, out)) in each.enumerate() {
        frame(depth, &cameras[at * 4..][..4], &poses[at * 16..][..16], size.1, out);
    }
}

fn frame(depth: &[f32], camera: &[f64], pose: &[f64], columns: usize, out: &mut [f32]) {
    let [fx, fy, cx, cy] = [camera[0], camera[1], camera[2], camera[3]];
    let across: Vec<[f32; 3]> = (0..columns)
        .map(|column| (column as f64 - cx) / fx)
        .map(|right| [0, 1, 2].map(|axis| (pose[axis * 4] * right) as f32))
        .collect();
    let origin = [pose[3] as f32, pose[7] as f32, pose[11] as f32];
    for (row, (depth, out)) in depth.chunks_exact(columns).zip(out.chunks_exact_mut(columns * 3)).enumerate()
    {
        let down = (row as f64 - cy) / fy;
        let ahead = [0, 1, 2].map(|axis| (pose[axis * 4 + 1] * down + pose[axis * 4 + 2]) as f32);
        for ((point, depth), right) in out.chunks_exact_mut(3).zip(depth).zip(&across) {
            point[0] = (right[0] + ahead[0]) * depth + origin[0];
            point[1] = (right[1] + ahead[1]) * depth + origin[1];
            point[2] = (right[2] + ahead[2]) * depth + origin[2];
        }
    }
}

/// Points moved by a (4, 4) matrix given row by row.
pub(super) fn transform<T: Number>(points: &[T], matrix: &[f64; 16], out: &mut [f64]) {
    for (to, from) in out.chunks_exact_mut(3).zip(points.chunks_exact(3)) {
        let [x, y, z]: [f64; 3] = [from[0].into(), from[1].into(), from[2].into()];
        to[0] = matrix[0] * x + matrix[1] * y + matrix[2] * z + matrix[3];
        to[1] = matrix[4] * x + matrix[5] * y + matrix[6] * z + matrix[7];
        to[2] = matrix[8] * x + matrix[9] * y + matrix[10] * z + matrix[11];
    }
}
