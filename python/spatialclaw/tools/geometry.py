"""Small geometry that is easy to get wrong by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _geometry
from .._checks import number, vector

# Enough for any plane that can be seen; each looks at up to 20,000 points.
_MOST_ITERATIONS = 100_000


class Geometry:
    """Vectors, projections, planes. Lengths in metres, angles in degrees."""

    @staticmethod
    def euclidean_distance(p1: Any, p2: Any) -> float:
        """Distance between two points of the same shape."""
        first, second = (np.asarray(point, dtype=np.float64).ravel() for point in (p1, p2))
        if first.shape != second.shape or not first.size:
            raise ValueError(f"p1 and p2 must have the same shape, not {np.shape(p1)} and {np.shape(p2)}")
        return float(np.linalg.norm(first - second))

    @staticmethod
    def angle_between_vectors(v1: Any, v2: Any) -> float:
        """Angle between two (3,) vectors in degrees, 0..180."""
        first, second = vector(v1, "v1"), vector(v2, "v2")
        lengths = np.linalg.norm(first), np.linalg.norm(second)
        if min(lengths) < 1e-12:
            raise ValueError(f"v1={first.tolist()}, v2={second.tolist()}: a vector without length has no angle")
        return float(np.degrees(np.arccos(np.clip(first @ second / (lengths[0] * lengths[1]), -1.0, 1.0))))

    @staticmethod
    def project_point_to_camera(
        point_3d: Any, extrinsic_c2w: Any, fx: float, fy: float, cx: float, cy: float
    ) -> tuple[float, float] | None:
        """Pixel (u, v) of a world point, None if it lies behind the camera.

        e.g. project_point_to_camera(p, recon.extrinsics[fi], **recon.intrinsics[fi])
        """
        point, pose = vector(point_3d, "point_3d"), _matrix(extrinsic_c2w, "extrinsic_c2w")
        x, y, z = pose[:3, :3].T @ (point - pose[:3, 3])
        if not z > 0:
            return None
        return float(fx * x / z + cx), float(fy * y / z + cy)

    @staticmethod
    def rotation_matrix_from_vectors(v_from: Any, v_to: Any) -> NDArray[np.float64]:
        """(3,3) rotation that turns the direction ``v_from`` into ``v_to``."""
        first, second = vector(v_from, "v_from"), vector(v_to, "v_to")
        for value, name in ((first, "v_from"), (second, "v_to")):
            if np.linalg.norm(value) < 1e-12:
                raise ValueError(f"{name} is {value.tolist()}: a vector without length has no direction")
        first, second = first / np.linalg.norm(first), second / np.linalg.norm(second)
        axis, cosine = np.cross(first, second), float(first @ second)
        sine = float(np.linalg.norm(axis))
        if sine < 1e-9:
            return np.eye(3) if cosine > 0 else _half_turn(first)
        cross = _cross_matrix(axis / sine)
        return np.eye(3) + sine * cross + (1 - cosine) * (cross @ cross)

    @staticmethod
    def transform_points(points: Any, matrix: Any) -> NDArray[np.float64]:
        """Points (…,3) moved by a (4,4) matrix, e.g. np.linalg.inv(recon.extrinsics[fi]) for world to camera."""
        if not isinstance(points, np.ndarray):
            raise TypeError(f"points must be a numpy array (..., 3), not {type(points).__name__}: use np.array(points)")
        if points.ndim < 1 or points.shape[-1] != 3:
            raise ValueError(f"points must have shape (..., 3), not {points.shape}")
        return _geometry.engine.transform(points, _matrix(matrix, "matrix"))

    @staticmethod
    def fit_ground_plane_ransac(
        points: Any,
        confidence: Any,
        conf_threshold: float = 0.3,
        n_iterations: int = 1000,
        inlier_threshold: float = 0.05,
    ) -> tuple[NDArray[np.float64] | None, NDArray[np.bool_] | None]:
        """Dominant plane of points (…,3) -> (unit normal (3,), inlier mask over the confident points).

        Confident is ``confidence > conf_threshold``. (None, None) with fewer than 100 such points or 50 inliers. The
        normal's sign is arbitrary: flip it if normal[1] < 0 to make it point up. ``inlier_threshold`` in metres.
        """
        cloud, sure = _floats(points, "points"), _floats(confidence, "confidence")
        if cloud.ndim < 2 or cloud.shape[-1] != 3 or sure.shape != cloud.shape[:-1]:
            raise ValueError(f"points must be (..., 3) and confidence (...), not {cloud.shape} and {sure.shape}")
        iterations = int(number(n_iterations, "n_iterations"))
        if not 1 <= iterations <= _MOST_ITERATIONS:
            raise ValueError(f"n_iterations is {iterations}; it lies between 1 and {_MOST_ITERATIONS}, e.g. 1000")
        found = _geometry.engine.fit_plane(
            cloud.reshape(-1, 3),
            sure.reshape(-1),
            number(conf_threshold, "conf_threshold"),
            iterations,
            number(inlier_threshold, "inlier_threshold"),
        )
        if found is None:
            return None, None
        inliers, spread = found
        # The direction of the smallest spread is the normal; the same as an SVD of all points, at the cost of 3x3.
        return np.linalg.eigh(spread)[1][:, 0], inliers

    @staticmethod
    def normalized_to_pixel(coords: Sequence[float], width: int, height: int) -> list[float]:
        """Coordinates on a 0..1000 scale (x, y, x, y, …) as pixels."""
        values = [number(value, f"coords[{at}]") for at, value in enumerate(np.ravel(np.asarray(coords)).tolist())]
        if any(value > 1000 for value in values):
            print(f"warning: {values} holds values above 1000; normalized coordinates lie in 0..1000")
        sides = (number(width, "width"), number(height, "height"))
        return [value / 1000 * sides[at % 2] for at, value in enumerate(values)]

    def __repr__(self) -> str:
        return "tools.Geometry: euclidean_distance, angle_between_vectors, project_point_to_camera, …"


def _matrix(value: Any, what: str) -> NDArray[np.float64]:
    array = np.asarray(value, dtype=np.float64)
    if array.shape != (4, 4):
        raise ValueError(f"{what} must have shape (4, 4), not {array.shape}: use recon.extrinsics[fi]")
    return array


def _half_turn(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """180 degrees about any axis across ``direction``."""
    helper = np.eye(3)[int(np.argmin(np.abs(direction)))]
    axis = np.cross(direction, helper)
    axis /= np.linalg.norm(axis)
    return 2 * np.outer(axis, axis) - np.eye(3)


def _cross_matrix(axis: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = axis
    return np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])


def _floats(value: Any, what: str) -> NDArray[Any]:
    """``value`` as an array of floats: single precision stays, everything else is double."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{what} must be an array of numbers, not of {array.dtype}")
    return array if array.dtype == np.float32 else array.astype(np.float64, copy=False)
