//! Arithmetic over every pixel, where numpy would make a temporary array for each step.
//!
//! Python (`spatialclaw._geometry`) checks what a cell passes and words the complaints; this module checks lengths
//! again, since a cell can reach it, and never touches memory outside the buffers it was given. The interpreter lock is
//! released while numbers are worked on. One thread: sessions share the machine's cores.
//!
//! # Floors, in bytes moved for each pixel or point
//!
//! | Function | Reads | Writes | Also |
//! |---|---|---|---|
//! | [`lift`] | 4 (depth) | 12 (point) | fresh pages of the result |
//! | [`transform`] | 12 or 24 | 24 | fresh pages of the result |
//! | [`fit_plane`] | 2 x 16 (point, confidence) | 1 (inlier) | iterations x 20,000 distances at most, in cache |
//! | [`resize`] | one element | one element | |
//! | [`pick`] | 1 (mask), 16 where it is set | 16 | |
//! | [`outline`] | 2 x 16 | – | sorting what lies near the rim |
//!
//! `python/bench/geometry.py` prints what they take beside numpy.

mod grid;
mod hull;
mod lifting;
mod picking;
mod plane;

use std::ops::Range;

use pyo3::buffer::{Element, PyBuffer};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyByteArray;

/// Contiguous numbers of one of the two float types.
#[derive(FromPyObject)]
pub(crate) enum Floats {
    Single(PyBuffer<f32>),
    Double(PyBuffer<f64>),
}

/// World points of pinhole depth, frame by frame: `depth` (N, rows, columns), `cameras` (N, 4) = fx, fy, cx, cy,
/// `poses` (N, 16) camera-to-world, `out` (N, rows, columns, 3).
#[pyfunction]
pub(crate) fn lift(
    py: Python<'_>,
    depth: PyBuffer<f32>,
    cameras: PyBuffer<f64>,
    poses: PyBuffer<f64>,
    rows: usize,
    columns: usize,
    out: PyBuffer<f32>,
) -> PyResult<()> {
    let (depth_px, cameras_px, poses_px) = (numbers(&depth)?, numbers(&cameras)?, numbers(&poses)?);
    let frames = cameras_px.len() / 4;
    let pixels = product(&[frames, rows, columns])?;
    expect("depth", depth_px.len(), pixels)?;
    expect("cameras", cameras_px.len(), frames * 4)?;
    expect("poses", poses_px.len(), frames * 16)?;
    let points = result(&out, product(&[pixels, 3])?, &[range(&depth), range(&cameras), range(&poses)])?;
    py.detach(|| lifting::frames(depth_px, cameras_px, poses_px, (rows, columns), points));
    Ok(())
}

/// `points` (K, 3) moved by the upper three rows of `matrix` (4, 4), into `out` (K, 3).
#[pyfunction]
pub(crate) fn transform(
    py: Python<'_>,
    points: Floats,
    matrix: [f64; 16],
    out: PyBuffer<f64>,
) -> PyResult<()> {
    match points {
        Floats::Single(points) => transform_from(py, &points, &matrix, &out),
        Floats::Double(points) => transform_from(py, &points, &matrix, &out),
    }
}

fn transform_from<T: Number>(
    py: Python<'_>,
    points: &PyBuffer<T>,
    matrix: &[f64; 16],
    out: &PyBuffer<f64>,
) -> PyResult<()> {
    let from = numbers(points)?;
    expect("points", from.len() % 3, 0)?;
    let to = result(out, from.len(), &[range(points)])?;
    py.detach(|| lifting::transform(from, matrix, to));
    Ok(())
}

/// A plane, as what lies on it: a byte for each confident point, and the nine sums of products of the deviations of
/// those that do.
type Fit<'py> = Option<(Bound<'py, PyByteArray>, [f64; 9])>;

/// The plane that most of `points` (K, 3) with `confidence` (K) above `threshold` lie on, within `distance`; `None` if
/// there is none. See [`plane::fit`].
#[pyfunction]
pub(crate) fn fit_plane(
    py: Python<'_>,
    points: Floats,
    confidence: Floats,
    threshold: f64,
    iterations: usize,
    distance: f64,
) -> PyResult<Fit<'_>> {
    let search = plane::Search { threshold, iterations, distance };
    match (points, confidence) {
        (Floats::Single(points), Floats::Single(sure)) => fit_from(py, &points, &sure, &search),
        (Floats::Double(points), Floats::Double(sure)) => fit_from(py, &points, &sure, &search),
        _ => Err(PyValueError::new_err("points and confidence must have the same type of numbers")),
    }
}

fn fit_from<'py, T: Number>(
    py: Python<'py>,
    points: &PyBuffer<T>,
    confidence: &PyBuffer<T>,
    search: &plane::Search,
) -> PyResult<Fit<'py>> {
    let (cloud, sure) = (numbers(points)?, numbers(confidence)?);
    expect("points", cloud.len(), product(&[sure.len(), 3])?)?;
    if u32::try_from(sure.len()).is_err() {
        return Err(PyValueError::new_err(format!("{} points are too many for one plane", sure.len())));
    }
    let found = py.detach(|| plane::fit(cloud, sure, search));
    Ok(found.map(|fit| (PyByteArray::new(py, &fit.inliers), fit.spread)))
}

/// `source` (rows, columns) of elements of `size` bytes, brought to `out` (new rows, new columns): the nearest by pixel
/// centres.
#[pyfunction]
pub(crate) fn resize(
    py: Python<'_>,
    source: PyBuffer<u8>,
    size: usize,
    from: (usize, usize),
    to: (usize, usize),
    out: PyBuffer<u8>,
) -> PyResult<()> {
    let source_bytes = numbers(&source)?;
    expect("source", source_bytes.len(), product(&[from.0, from.1, size])?)?;
    if size == 0 || from.0 == 0 || from.1 == 0 {
        return Err(PyValueError::new_err(format!(
            "{from:?} elements of {size} bytes hold nothing to resize"
        )));
    }
    let target = result(&out, product(&[to.0, to.1, size])?, &[range(&source)])?;
    py.detach(|| grid::nearest(source_bytes, size, from, to, target));
    Ok(())
}

/// What lies under `mask` (rows, columns), taken in by `rim` pixels, has a confidence above `threshold` and was
/// measured: points (K, 3) and confidence (K), as bytes of f32. See [`picking::under`].
#[pyfunction]
pub(crate) fn pick<'py>(
    py: Python<'py>,
    points: PyBuffer<f32>,
    confidence: PyBuffer<f32>,
    mask: PyBuffer<u8>,
    columns: usize,
    threshold: f64,
    rim: usize,
) -> PyResult<(Bound<'py, PyByteArray>, Bound<'py, PyByteArray>)> {
    let (cloud, sure, set) = (numbers(&points)?, numbers(&confidence)?, numbers(&mask)?);
    expect("confidence", sure.len(), set.len())?;
    expect("points", cloud.len(), product(&[set.len(), 3])?)?;
    if columns == 0 || set.len() % columns != 0 {
        return Err(PyValueError::new_err(format!("{} pixels are no rows of {columns}", set.len())));
    }
    let found = py.detach(|| picking::under(cloud, sure, set, columns, threshold, rim));
    Ok((bytes(py, found.points.as_flattened())?, bytes(py, &found.confidence)?))
}

/// Corners of the convex hull of `points` (K, 2), counter-clockwise; fewer than three if they lie on a line.
#[pyfunction]
pub(crate) fn outline(py: Python<'_>, points: PyBuffer<f64>) -> PyResult<Vec<[f64; 2]>> {
    let flat = numbers(&points)?;
    expect("points", flat.len() % 2, 0)?;
    Ok(py.detach(|| hull::corners(flat)))
}

/// A float that geometry is worked out from; in double precision.
trait Number: Element + Into<f64> + Sync {}
impl Number for f32 {}
impl Number for f64 {}

/// What lies in a contiguous buffer.
#[expect(unsafe_code, reason = "pyo3 lends buffers only to those who hold the interpreter lock")]
fn numbers<T: Element>(buffer: &PyBuffer<T>) -> PyResult<&[T]> {
    if buffer.item_count() == 0 {
        return Ok(&[]);
    }
    let there = buffer.as_slice_ptr().ok_or_else(|| PyValueError::new_err("an array must be contiguous"))?;
    // SAFETY: the exporter keeps the memory in place while `buffer` lives, and pyo3 has checked type and alignment.
    // A cell's own thread that writes to it meanwhile gets what numpy would give it: numbers from before or after.
    Ok(unsafe { there.as_ref() })
}

/// The place for a result of `length` numbers, which must lie apart from the `sources`.
#[expect(unsafe_code, reason = "pyo3 lends buffers only to those who hold the interpreter lock")]
#[expect(clippy::mut_from_ref, reason = "the memory is Python's, not the handle's")]
fn result<'a, T: Element>(
    buffer: &'a PyBuffer<T>,
    length: usize,
    sources: &[Range<usize>],
) -> PyResult<&'a mut [T]> {
    expect("out", buffer.item_count(), length)?;
    let own = range(buffer);
    if buffer.readonly() || sources.iter().any(|other| own.start < other.end && other.start < own.end) {
        return Err(PyValueError::new_err("out must be an array of its own that can be written"));
    }
    if length == 0 {
        return Ok(&mut []);
    }
    let mut there = buffer.as_slice_ptr().ok_or_else(|| PyValueError::new_err("out must be contiguous"))?;
    // SAFETY: as in `numbers`; it overlaps no source, and `spatialclaw._geometry` has just allocated it, so that
    // nobody else knows of it.
    Ok(unsafe { there.as_mut() })
}

/// The addresses that a buffer spans.
fn range<T: Element>(buffer: &PyBuffer<T>) -> Range<usize> {
    let start = buffer.buf_ptr() as usize;
    start..start + buffer.len_bytes()
}

fn bytes<'py>(py: Python<'py>, numbers: &[f32]) -> PyResult<Bound<'py, PyByteArray>> {
    PyByteArray::new_with(py, size_of_val(numbers), |target| {
        for (place, number) in target.chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_ne_bytes());
        }
        Ok(())
    })
}

fn product(factors: &[usize]) -> PyResult<usize> {
    factors
        .iter()
        .try_fold(1usize, |all, factor| all.checked_mul(*factor))
        .ok_or_else(|| PyValueError::new_err(format!("{factors:?} is too large")))
}

fn expect(what: &str, length: usize, expected: usize) -> PyResult<()> {
    if length == expected {
        return Ok(());
    }
    Err(PyValueError::new_err(format!("{what} holds {length} numbers where {expected} are due")))
}
