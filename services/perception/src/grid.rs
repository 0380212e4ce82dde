//! Bringing a picture onto another grid.
//!
//! Integer coordinates are pixel centres, so a picture `w` wide covers −0.5 to
//! `w − 0.5`. Resizing to `W` maps `u' = (u + 0.5) · W / w − 0.5`, and the
//! nearest source of pixel `i` is `floor((i + 0.5) · w / W)`.

use spatialclaw_domain::Intrinsics;

/// Pixels, width first.
pub(crate) type Size = (u32, u32);

/// Intrinsics of the same camera on another grid.
pub(crate) fn intrinsics(k: Intrinsics, from: Size, to: Size) -> Intrinsics {
    Intrinsics {
        fx: k.fx * f64::from(to.0) / f64::from(from.0),
        fy: k.fy * f64::from(to.1) / f64::from(from.1),
        cx: coordinate(k.cx, from.0, to.0),
        cy: coordinate(k.cy, from.1, to.1),
    }
}

/// The same place on another grid.
pub(crate) fn coordinate(at: f64, from: u32, to: u32) -> f64 {
    (at + 0.5) * f64::from(to) / f64::from(from) - 0.5
}

/// The same picture on another grid, each pixel from its nearest source.
pub(crate) fn nearest<T: Copy>(pixels: &[T], from: Size, to: Size) -> Vec<T> {
    if from == to {
        return pixels.to_vec();
    }
    let columns = sources(from.0, to.0);
    let mut resized = Vec::with_capacity(to.0 as usize * to.1 as usize);
    for row in sources(from.1, to.1) {
        let row = &pixels[row * from.0 as usize..][..from.0 as usize];
        resized.extend(columns.iter().map(|&column| row[column]));
    }
    resized
}

/// In integers: floating point puts a source that falls on a border on either side of it.
fn sources(from: u32, to: u32) -> Vec<usize> {
    let (from, to) = (u64::from(from), u64::from(to));
    (0..to).map(|i| ((2 * i + 1) * from / (2 * to)) as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_takes_the_pixel_whose_centre_is_closest() {
        assert_eq!(nearest(&[1, 2, 3, 4], (2, 2), (4, 4)), [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
        assert_eq!(nearest(&[0, 1, 2, 3, 4, 5], (6, 1), (3, 1)), [1, 3, 5]);
        assert_eq!(nearest(&[0, 1, 2], (3, 1), (2, 1)), [0, 2]);
        assert_eq!(nearest(&[7], (1, 1), (3, 2)), [7; 6]);
    }

    #[test]
    fn a_point_in_space_falls_on_the_same_place_of_both_grids() {
        let k = Intrinsics { fx: 500.0, fy: 480.0, cx: 319.5, cy: 239.5 };
        let half = intrinsics(k, (640, 480), (320, 240));
        assert_eq!(
            (half.fx, half.fy, half.cx, half.cy),
            (250.0, 240.0, 159.5, 119.5),
            "the centre stays the centre"
        );
        let (x, z) = (0.7, 2.0);
        let u = k.fx * x / z + k.cx;
        let resized = half.fx * x / z + half.cx;
        assert!((coordinate(u, 640, 320) - resized).abs() < 1e-12);
    }
}
