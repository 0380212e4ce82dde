"""What a map from above shows: where objects stand or move, seen from a reference camera.

Plane coordinates are (u, v) in metres: u to the right of the reference camera, v in its viewing direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from . import _geometry
from .frames import crop

if TYPE_CHECKING:
    from .masks import PerFrameMask
    from .reconstruction import Reconstruction

Array = NDArray[np.float64]

# Pixels taken off a mask's rim, where depth belongs half to the background.
_EROSION_PX = 3
# An object moves if its medians are further apart than this part of its footprint's diagonal.
_MOVING_RATIO = 0.15
# Points that tell how far an object reaches; more would change it by a few hundredths.
_SAMPLE = 5_000


@dataclass(frozen=True)
class Axes:
    """The reference camera's horizontal axes, as unit vectors in world (X, Z)."""

    right: Array
    forward: Array

    def plane(self, points: Array) -> Array:
        """(u, v) of world points (…,3)."""
        flat = points[..., [0, 2]]
        return np.stack([flat @ self.right, flat @ self.forward], axis=-1)

    def direction(self, vector: Array) -> Array:
        """Unit (u, v) of a world direction; straight ahead if it has no horizontal part."""
        planar = self.plane(vector)
        length = np.linalg.norm(planar)
        return planar / length if length > 1e-6 else np.array([0.0, 1.0])


@dataclass(frozen=True)
class Footprint:
    """Where one object was seen."""

    label: str
    # (K, 2) measured points of all frames.
    points: Array
    # (M, 2) median position of each frame that showed enough of it, in frame order.
    path: Array
    moving: bool
    # Corners of the smallest rectangle around `points` (4, 2); only of things that stand still.
    corners: Array | None = field(default=None)


def axes(camera_pose: Array) -> Axes:
    """The axes of a camera-to-world pose; one that looks straight down counts as looking along +Z."""
    forward = camera_pose[[0, 2], 2]
    length = np.linalg.norm(forward)
    forward = forward / length if length > 1e-6 else np.array([0.0, 1.0])
    return Axes(right=np.array([-forward[1], forward[0]]), forward=forward)


def footprints(
    recon: Reconstruction, masks: PerFrameMask, view: Axes, conf_threshold: float
) -> tuple[list[Footprint], list[str]]:
    """The objects that can be placed, and the labels of those that cannot."""
    frames = [index for index in recon.frame_indices if index in masks]
    placed, lost = [], []
    for position, label in enumerate(masks.labels):
        clouds = [_cloud(recon, masks, frame, position, conf_threshold) for frame in frames]
        footprint = _footprint(label, [view.plane(cloud) for cloud in clouds])
        if footprint is None:
            lost.append(label)
        else:
            placed.append(footprint)
    return placed, lost


def _cloud(recon: Reconstruction, masks: PerFrameMask, frame: int, position: int, threshold: float) -> Array:
    """World points of one object in one frame, without its rim and without what was not read."""
    size = recon.size_of(frame)
    mask = crop(masks.get_mask(frame, position), masks.size_of(frame))
    if not mask.any():
        return np.empty((0, 3))
    if mask.shape != size:
        mask = _geometry.engine.resize(mask, size)
    points = crop(recon.points[frame], size)
    confidence = crop(recon.confidence[recon.get_by_frame_index(frame)], size)
    return _geometry.engine.pick(points, confidence, mask, threshold, _EROSION_PX)[0].astype(np.float64)


def _footprint(label: str, clouds: Sequence[Array]) -> Footprint | None:
    kept = [_without_outliers(cloud) for cloud in clouds]
    everything = _without_outliers(np.concatenate(kept)) if kept else np.empty((0, 2))
    if len(everything) < 4:
        return None
    seen = [after for before, after in zip(clouds, kept, strict=True) if len(before) >= 10 and len(after) >= 4]
    path = np.array([np.median(cloud, axis=0) for cloud in seen]).reshape(-1, 2)
    together = np.concatenate(kept)
    moving = (
        len(clouds) > 1 and len(path) >= 2 and _spread(path) > _MOVING_RATIO * np.linalg.norm(np.ptp(together, axis=0))
    )
    if moving:
        return Footprint(label, together, path, True)
    return Footprint(label, everything, path, False, smallest_rectangle(everything))


def _without_outliers(points: Array) -> Array:
    """Points within three deviations of the median on both axes.

    The deviation is the median absolute one, or half of the middle 80 percent where that is more: of a box seen from
    the front most points lie on one face, and the rest of it is no outlier. Both are measured on every n-th point of
    a large cloud.
    """
    if len(points) <= 10:
        return points
    sample = points[:: -(-len(points) // _SAMPLE)]
    middle = np.median(sample, axis=0)
    low, high = np.percentile(sample, (10, 90), axis=0)
    deviation = np.maximum(np.median(np.abs(sample - middle), axis=0), (high - low) / 2)
    reach = np.where(deviation <= 1e-8, np.inf, 3 * deviation)
    off = np.abs(points - middle)
    kept: Array = points[(off[:, 0] <= reach[0]) & (off[:, 1] <= reach[1])]
    return kept


def _spread(path: Array) -> float:
    return float(max(np.linalg.norm(path - point, axis=1).max() for point in path))


def smallest_rectangle(points: Array) -> Array:
    """Corners (4,2) of the rectangle of least area around ``points``; axis-aligned if they lie on a line."""
    hull = _geometry.engine.outline(points)
    if len(hull) < 3:
        return _rectangle(points, np.array([1.0, 0.0]))
    edges = np.roll(hull, -1, axis=0) - hull
    edges = edges / np.linalg.norm(edges, axis=1, keepdims=True)
    candidates = [_rectangle(hull, edge) for edge in edges]
    return min(candidates, key=_area)


def _rectangle(points: Array, along: Array) -> Array:
    across = np.array([-along[1], along[0]])
    a, b = points @ along, points @ across
    corners = ((a.min(), b.min()), (a.max(), b.min()), (a.max(), b.max()), (a.min(), b.max()))
    return np.array([first * along + second * across for first, second in corners])


def _area(corners: Array) -> float:
    width, depth = sides(corners)
    return width * depth


def sides(corners: Array) -> tuple[float, float]:
    """The two side lengths of a rectangle in metres."""
    return float(np.linalg.norm(corners[1] - corners[0])), float(np.linalg.norm(corners[2] - corners[1]))


def direction_words(step: Array) -> str:
    """A movement (u, v) in words, as the reference camera sees it."""
    right, forward = step
    said = []
    if abs(forward) > 0.3 * abs(right):
        said.append("forward" if forward > 0 else "backward")
    if abs(right) > 0.3 * abs(forward):
        said.append("right" if right > 0 else "left")
    return "+".join(said) if said and np.linalg.norm(step) > 1e-9 else "stationary"


def unbroken(path: Array) -> list[Array]:
    """``path`` cut where a step is so long that the object was lost in between."""
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    if len(steps) < 5:
        return [path]
    middle = float(np.median(steps))
    deviation = float(np.median(np.abs(steps - middle)))
    limit = max(middle + 5 * deviation, 5 * middle, 1e-9)
    cuts = np.flatnonzero(steps > limit) + 1
    return [part for part in np.split(path, cuts) if len(part)]
