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
        rows, columns = np.nonzero(plane(mask, "mask"))
        if not len(rows):
            return math.nan, math.nan
        return float(np.median(columns)), float(np.median(rows))

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
        rows, columns = np.nonzero(plane(mask, "mask"))
        if not len(rows):
            return None
        if len(rows) <= 100:
            return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())
        x1, x2 = np.percentile(columns, (1, 99))
        y1, y2 = np.percentile(rows, (1, 99))
        return math.floor(x1), math.floor(y1), math.ceil(x2), math.ceil(y2)

    @staticmethod
    def mask_to_bbox(mask: Any) -> NDArray[np.float64] | None:
        """(4,) x1, y1, x2, y2 around every pixel, None if empty."""
        rows, columns = np.nonzero(plane(mask, "mask"))
        if not len(rows):
            return None
        return np.array([columns.min(), rows.min(), columns.max(), rows.max()], dtype=np.float64)

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


def _pair(mask1: Any, mask2: Any) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    first, second = plane(mask1, "mask1"), plane(mask2, "mask2")
    if first.shape != second.shape:
        raise ValueError(
            f"the masks must have the same shape, not {first.shape} and {second.shape}: use one frame's masks"
        )
    return first.astype(np.bool_), second.astype(np.bool_)
