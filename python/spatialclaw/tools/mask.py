"""Measures of one mask."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import plane


class Mask:
    """Measures of single masks (H,W), e.g. ``seg.get_mask(fi, object)``. Coordinates are pixels: x right, y down."""

    @staticmethod
    def centroid(mask: Any) -> tuple[float, float]:
        """Median (cx, cy) of the mask's pixels, (nan, nan) if it is empty."""
        across, down = _counts(mask)
        if not across.any():
            return math.nan, math.nan
        return _quantile(across, 0.5), _quantile(down, 0.5)

    @staticmethod
    def centroids(masks: Any) -> list[tuple[float, float]]:
        """Centroid of each of N masks (N,H,W)."""
        if not isinstance(masks, np.ndarray):
            raise TypeError(f"masks must be a numpy array (N, H, W), not {type(masks).__name__}: use seg[fi]")
        if masks.ndim != 3:
            raise ValueError(f"masks must be (N, H, W), not {masks.shape}: use seg[fi], or centroid for one mask")
        return [Mask.centroid(mask) for mask in masks]

    @staticmethod
    def area(mask: Any) -> int:
        """Number of pixels in the mask."""
        return int(np.count_nonzero(plane(mask, "mask")))

    @staticmethod
    def bounding_box(mask: Any) -> tuple[int, int, int, int] | None:
        """(x1, y1, x2, y2), None if empty; above 100 pixels the 1st and 99th percentiles, so specks do not count."""
        across, down = _counts(mask)
        total = int(across.sum())
        if not total:
            return None
        low, high = (0.01, 0.99) if total > 100 else (0.0, 1.0)
        return (
            math.floor(_quantile(across, low)),
            math.floor(_quantile(down, low)),
            math.ceil(_quantile(across, high)),
            math.ceil(_quantile(down, high)),
        )

    @staticmethod
    def mask_to_bbox(mask: Any) -> NDArray[np.float64] | None:
        """(4,) x1, y1, x2, y2 around every pixel, None if empty."""
        across, down = (np.flatnonzero(counts) for counts in _counts(mask))
        if not len(across):
            return None
        return np.array([across[0], down[0], across[-1], down[-1]], dtype=np.float64)

    @staticmethod
    def iou(mask1: Any, mask2: Any) -> float:
        """Intersection over union of two masks of the same shape, 0.0 if both are empty."""
        first, second = _pair(mask1, mask2)
        union = np.count_nonzero(first | second)
        return float(np.count_nonzero(first & second) / union) if union else 0.0

    @staticmethod
    def intersection(mask1: Any, mask2: Any) -> NDArray[np.bool_]:
        """Pixels that lie in both masks."""
        first, second = _pair(mask1, mask2)
        return first & second

    def __repr__(self) -> str:
        return "tools.Mask: centroid, centroids, area, bounding_box, mask_to_bbox, iou, intersection"


def _counts(mask: Any) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """How many of the mask's pixels each column and each row holds.

    All that medians and percentiles of the pixels' coordinates need, without a list of the pixels.
    """
    pixels = plane(mask, "mask").astype(np.bool_, copy=False)
    return np.count_nonzero(pixels, axis=0), np.count_nonzero(pixels, axis=1)


def _quantile(counts: NDArray[np.intp], share: float) -> float:
    """Coordinate below which a share of the pixels lies, between neighbours in proportion (as ``np.quantile``)."""
    upto = np.cumsum(counts)
    rank = share * (int(upto[-1]) - 1)
    below, above = np.searchsorted(upto, (math.floor(rank), math.ceil(rank)), side="right")
    return float(below + (above - below) * (rank - math.floor(rank)))


def _pair(mask1: Any, mask2: Any) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    first, second = plane(mask1, "mask1"), plane(mask2, "mask2")
    if first.shape != second.shape:
        raise ValueError(
            f"the masks must have the same shape, not {first.shape} and {second.shape}: use one frame's masks"
        )
    return first.astype(np.bool_), second.astype(np.bool_)
