"""Depth from a rectified pair, by semi-global matching.

`depth = fx * baseline / (disparity + doffs)`, metres, for both pictures.
Confidence comes from matching left to right and right to left: 1 where both
agree, falling to 0 at two pixels apart, where there is no reading at all.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from pictures import Picture, Refusal

Floats = NDArray[np.float32]

BLOCK = 3
# Pixels that the two directions may disagree by before a match counts as none.
DISAGREEMENT = 2.0
# Share of the width that a near object may jump, and what that is rounded to.
LARGEST_JUMP = 0.16
STEP = 16
MAX_JUMP = 256


def both_depths(
    left: Picture, right: Picture, fx: float, baseline: float, doffs: float, original_width: int | None = None
) -> list[tuple[Floats, Floats]]:
    """Depth and confidence of the left view, then of the right; `fx` and `doffs` in pixels of `original_width`."""
    if left.shape != right.shape:
        raise Refusal("invalid", f"a rectified pair has one size; these have {left.shape} and {right.shape}")
    scale = left.shape[1] / (original_width or left.shape[1])
    fx, doffs = fx * scale, doffs * scale
    from_left = disparity(left, right, doffs)
    from_right = disparity(right[:, ::-1], left[:, ::-1], doffs)[:, ::-1]
    views = [(from_left, from_right, -1), (from_right, from_left, 1)]
    return [depth(own, agreement(own, other, side), fx * baseline, doffs) for own, other, side in views]


def disparity(left: Picture, right: Picture, doffs: float) -> Floats:
    """Pixels to the left that each left pixel is found in the right picture; NaN where it is not."""
    width = left.shape[1]
    # The farthest point has a disparity of -doffs, so the search begins there.
    first = -min(STEP * int(np.ceil(max(0.0, doffs) / STEP)), width // 4 // STEP * STEP)
    span = int(np.clip(np.ceil(width * LARGEST_JUMP / STEP) * STEP, 4 * STEP, MAX_JUMP)) - first
    # SGBM skips as many columns as it looks over: a margin gives them back.
    margin = [np.pad(picture, ((0, 0), (span, -first)), mode="edge") for picture in (left, right)]
    matcher = cv2.StereoSGBM.create(
        minDisparity=first,
        numDisparities=span,
        blockSize=BLOCK,
        P1=8 * BLOCK * BLOCK,
        P2=32 * BLOCK * BLOCK,
        disp12MaxDiff=1,
        preFilterCap=63,
        uniquenessRatio=5,
        speckleWindowSize=50,
        speckleRange=1,
        mode=cv2.STEREO_SGBM_MODE_SGBM_3WAY,
    )
    sixteenths = np.asarray(matcher.compute(*margin), np.float32)
    found: Floats = sixteenths[:, span : span + width] / np.float32(16.0)
    found[found < first] = np.nan
    return found


def agreement(own: Floats, other: Floats, side: int) -> Floats:
    """1 where the other picture's match leads back, 0 where it leads DISAGREEMENT pixels away or nowhere."""
    height, width = own.shape
    rows, columns = np.indices((height, width), sparse=True)
    there = columns + side * np.nan_to_num(own)
    target = np.rint(there).astype(np.int64)
    inside = np.isfinite(own) & (target >= 0) & (target < width)
    back = other[rows, np.clip(target, 0, width - 1)]
    apart = np.where(inside & np.isfinite(back), np.abs(back - own), np.inf)
    confidence: Floats = np.clip(1.0 - apart / DISAGREEMENT, 0.0, 1.0).astype(np.float32)
    return confidence


def depth(disparity: Floats, confidence: Floats, fx_baseline: float, doffs: float) -> tuple[Floats, Floats]:
    shift = disparity + np.float32(doffs)
    known = (confidence > 0) & (shift > 0.5)
    metres = np.zeros_like(disparity)
    metres[known] = fx_baseline / shift[known]
    return metres, np.where(known, confidence, 0).astype(np.float32)
