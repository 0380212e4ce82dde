"""Arithmetic over every pixel with numpy: what ``_geometry.Native`` does in the native half, for where there is none.

Each function gives the numbers that its native counterpart gives; ``tests/test_geometry.py`` holds them together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, spatial

_SEED = 42
# Points that score a plane; more would not change which plane wins.
_SCORING = 20_000
_FEWEST_POINTS = 100
_FEWEST_INLIERS = 50

_Doubles = NDArray[np.float64]


def lift(
    depth: NDArray[np.float32],
    cameras: _Doubles,
    poses: _Doubles,
    out: NDArray[np.float32],
) -> None:
    """World points of pinhole depth, frame by frame."""
    rows, columns = depth.shape[1:]
    for at, (fx, fy, cx, cy) in enumerate(cameras):
        pose = poses[at]
        right = (np.arange(columns) - cx) / fx
        down = (np.arange(rows) - cy) / fy
        for axis in range(3):
            across = (pose[axis, 0] * right).astype(np.float32)
            ahead = (pose[axis, 1] * down + pose[axis, 2]).astype(np.float32)
            np.multiply(across[None, :] + ahead[:, None], depth[at], out=out[at, ..., axis])
            out[at, ..., axis] += np.float32(pose[axis, 3])


def transform(points: NDArray[Any], matrix: _Doubles) -> _Doubles:
    """Points (..., 3) moved by a (4, 4) matrix."""
    moved: _Doubles = points @ matrix[:3, :3].T + matrix[:3, 3]
    return moved


def fit_plane(
    points: NDArray[Any], confidence: NDArray[Any], threshold: float, iterations: int, distance: float
) -> tuple[NDArray[np.bool_], _Doubles] | None:
    """The plane that most confident points lie on: which of them, and the products of their deviations (3, 3)."""
    confident = points[confidence > threshold].astype(np.float64)
    usable = confident[np.isfinite(confident).all(axis=1)]
    if len(usable) < _FEWEST_POINTS:
        return None
    best = _best_plane(usable, iterations, distance)
    if best is None:
        return None
    inliers = _distances(confident, *best) < distance
    if np.count_nonzero(inliers) < _FEWEST_INLIERS:
        return None
    chosen = confident[inliers]
    off = chosen - chosen.mean(axis=0)
    return inliers, off.T @ off


def _best_plane(usable: _Doubles, iterations: int, distance: float) -> tuple[_Doubles, float] | None:
    """The first of the drawn planes that the most scoring points lie on."""
    scoring_draws = _SCORING if len(usable) > _SCORING else 0
    drawn = _draws(3 * iterations + scoring_draws, len(usable))
    corners = usable[drawn[: 3 * iterations]].reshape(-1, 3, 3)
    scoring = usable[drawn[3 * iterations :]] if scoring_draws else usable
    from_first = corners[:, 1:] - corners[:, :1]
    (u0, u1, u2), (v0, v1, v2) = from_first[:, 0].T, from_first[:, 1].T
    normals = np.stack([u1 * v2 - u2 * v1, u2 * v0 - u0 * v2, u0 * v1 - u1 * v0], axis=1)
    lengths = np.sqrt(normals[:, 0] * normals[:, 0] + normals[:, 1] * normals[:, 1] + normals[:, 2] * normals[:, 2])
    best: tuple[_Doubles, float] | None = None
    most = -1
    for normal, length, (a0, a1, a2) in zip(normals, lengths, corners[:, 0], strict=True):
        if not length > 1e-12:
            continue
        unit = normal / length
        offset = -float(unit[0] * a0 + unit[1] * a1 + unit[2] * a2)
        count = int(np.count_nonzero(_distances(scoring, unit, offset) < distance))
        if count > most:
            best, most = (unit, offset), count
    return best


def _distances(points: _Doubles, normal: _Doubles, offset: float) -> _Doubles:
    # Written out, so that every sum is rounded as the native half rounds it.
    with np.errstate(invalid="ignore"):
        away: _Doubles = np.abs(normal[0] * points[:, 0] + normal[1] * points[:, 1] + normal[2] * points[:, 2] + offset)
    return away


def _draws(count: int, below: int) -> NDArray[np.intp]:
    """Whole numbers below a bound from SplitMix64."""
    with np.errstate(over="ignore"):
        mixed = np.uint64(_SEED) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return ((mixed >> np.uint64(32)) * np.uint64(below) >> np.uint64(32)).astype(np.intp)


def resize(array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """(H,W,…) at ``size`` = (rows, columns): the nearest by pixel centres."""
    rows, columns = (
        (2 * np.arange(target) + 1) * source // (2 * target)
        for target, source in zip(size, array.shape[:2], strict=True)
    )
    return array[np.ix_(rows, columns)]


def pick(
    points: NDArray[np.float32],
    confidence: NDArray[np.float32],
    mask: NDArray[np.bool_],
    threshold: float,
    rim: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Measured points (K,3) under a mask taken in by ``rim`` pixels, and their confidence (K,)."""
    core = mask
    if rim:
        core = ndimage.binary_erosion(mask, iterations=rim, border_value=1)
        if 10 * np.count_nonzero(core) < np.count_nonzero(mask):
            core = mask
    chosen, sure = points[core], confidence[core]
    kept = (sure > threshold) & np.isfinite(chosen).all(axis=1)
    return chosen[kept], sure[kept]


def outline(points: _Doubles) -> _Doubles:
    """Corners (M,2) of the convex hull, counter-clockwise; fewer than three if the points lie on a line."""
    finite = points[np.isfinite(points).all(axis=1)]
    try:
        corners: _Doubles = finite[spatial.ConvexHull(finite).vertices]
    except (spatial.QhullError, ValueError):
        return np.empty((0, 2))
    return corners
