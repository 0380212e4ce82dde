//! Rigid motions: 4×4, row-major, last row 0 0 0 1.

/// A rigid motion.
pub(crate) type Rigid = [f64; 16];

/// A vector or a point.
pub(crate) type V3 = [f64; 3];

#[cfg(test)]
pub(crate) const IDENTITY: Rigid = [1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1.];

/// The motion back: transposed rotation, which is exact where a general inverse is not.
pub(crate) fn inverse(m: &Rigid) -> Rigid {
    let t = [m[3], m[7], m[11]];
    let back = |column: usize| -(m[column] * t[0] + m[4 + column] * t[1] + m[8 + column] * t[2]);
    [m[0], m[4], m[8], back(0), m[1], m[5], m[9], back(1), m[2], m[6], m[10], back(2), 0., 0., 0., 1.]
}

/// First `b`, then `a`.
pub(crate) fn compose(a: &Rigid, b: &Rigid) -> Rigid {
    std::array::from_fn(|at| (0..4).map(|i| a[at / 4 * 4 + i] * b[i * 4 + at % 4]).sum())
}

/// One of the first three columns, or the position.
pub(crate) fn column(m: &Rigid, at: usize) -> V3 {
    [m[at], m[4 + at], m[8 + at]]
}

/// A motion of rows and translation.
pub(crate) fn from_rows(x: V3, y: V3, z: V3, t: V3) -> Rigid {
    [x[0], x[1], x[2], t[0], y[0], y[1], y[2], t[1], z[0], z[1], z[2], t[2], 0., 0., 0., 1.]
}

pub(crate) fn dot(a: V3, b: V3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(crate) fn cross(a: V3, b: V3) -> V3 {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub(crate) fn scaled(a: V3, by: f64) -> V3 {
    a.map(|v| v * by)
}

pub(crate) fn minus(a: V3, b: V3) -> V3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// The unit vector of `a`; none for one that has no direction.
pub(crate) fn unit(a: V3) -> Option<V3> {
    let norm = dot(a, a).sqrt();
    (norm.is_finite() && norm > 1e-9).then(|| scaled(a, 1.0 / norm))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_again() {
        let (s, c) = 0.3_f64.sin_cos();
        let there = [c, -s, 0., 1., s, c, 0., 2., 0., 0., 1., 3., 0., 0., 0., 1.];
        let same = compose(&there, &inverse(&there));
        assert!(same.iter().zip(IDENTITY).all(|(a, b)| (a - b).abs() < 1e-12), "{same:?}");
    }
}
