"""SSD-MobileNetV2 over the whole picture and over tiles of it.

The network sees 300 x 300 pixels, so in a large picture it misses what is
small. Tiles find that; what a tile's edge cuts through is left to its
neighbours and to the whole picture.
"""

import pathlib
from dataclasses import dataclass

import cv2
import numpy as np

from pictures import Picture

SIDE = 300
# Pictures up to this long are seen whole only.
WHOLE = 450
MAX_TILES_A_SIDE = 3
OVERLAP = 0.25
MIN_SCORE = 0.05
# Overlap (intersection over union) at which two boxes of one class are one object.
SAME = 0.5
# Share of a smaller box inside a bigger, better one at which it is a part of that.
PART = 0.8
EDGE = 2.0

Rect = tuple[float, float, float, float]


@dataclass
class Detection:
    """A class and where: x0, y0, x1, y1 in pixel centres of the picture."""

    number: int
    score: float
    rect: Rect


class Detector:
    def __init__(self, graph: pathlib.Path, text: pathlib.Path) -> None:
        self.net = cv2.dnn.readNetFromTensorflow(str(graph), str(text))

    def find(self, picture: Picture) -> list[Detection]:
        """Everything seen, best first."""
        height, width = picture.shape[:2]
        found = self.look(picture, (0, 0, width, height))
        for tile in tiles(width, height):
            found += [one for one in self.look(picture, tile) if not is_cut(one.rect, tile, width, height)]
        return unique(found)

    def look(self, picture: Picture, area: tuple[int, int, int, int]) -> list[Detection]:
        x0, y0, x1, y1 = area
        crop = np.ascontiguousarray(picture[y0:y1, x0:x1])
        self.net.setInput(cv2.dnn.blobFromImage(crop, size=(SIDE, SIDE), swapRB=True, crop=False))
        rows = self.net.forward()[0, 0]
        scale = np.array([x1 - x0, y1 - y0, x1 - x0, y1 - y0])
        shift = np.array([x0, y0, x0, y0]) - 0.5
        return [
            Detection(int(row[1]), float(row[2]), rect(np.clip(row[3:7], 0, 1) * scale + shift))
            for row in rows
            if row[2] >= MIN_SCORE and row[5] > row[3] and row[6] > row[4]
        ]


def rect(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Rect:
    x0, y0, x1, y1 = (float(v) for v in values)
    return x0, y0, x1, y1


def tiles(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Overlapping parts of a picture that is too large to be seen whole."""
    if max(width, height) <= WHOLE:
        return []
    across, down = (min(MAX_TILES_A_SIDE, max(1, round(side / SIDE))) for side in (width, height))
    if across * down == 1:
        return []
    spans = [cuts(side, count) for side, count in ((width, across), (height, down))]
    return [(x0, y0, x1, y1) for y0, y1 in spans[1] for x0, x1 in spans[0]]


def cuts(side: int, count: int) -> list[tuple[int, int]]:
    """`count` equal spans of a side, each sharing OVERLAP of itself with the next."""
    length = side / (count - (count - 1) * OVERLAP)
    starts = [index * length * (1 - OVERLAP) for index in range(count)]
    return [(round(start), min(side, round(start + length))) for start in starts]


def is_cut(rect: Rect, tile: tuple[int, int, int, int], width: int, height: int) -> bool:
    """Whether a box ends at an edge of its tile that is no edge of the picture."""
    x0, y0, x1, y1 = tile
    return (
        (x0 > 0 and rect[0] < x0 + EDGE)
        or (y0 > 0 and rect[1] < y0 + EDGE)
        or (x1 < width and rect[2] > x1 - 1 - EDGE)
        or (y1 < height and rect[3] > y1 - 1 - EDGE)
    )


def unique(found: list[Detection]) -> list[Detection]:
    kept: list[Detection] = []
    for one in sorted(found, key=lambda one: -one.score):
        if not any(one.number == other.number and repeats(one.rect, other.rect) for other in kept):
            kept.append(one)
    return kept


def repeats(small: Rect, other: Rect) -> bool:
    """Whether a box shows what a better one shows already, whole or in part."""
    shared = extent(max(small[0], other[0]), min(small[2], other[2])) * extent(
        max(small[1], other[1]), min(small[3], other[3])
    )
    areas = [extent(r[0], r[2]) * extent(r[1], r[3]) for r in (small, other)]
    return shared > SAME * (sum(areas) - shared) or (areas[0] < areas[1] and shared > PART * areas[0])


def extent(low: float, high: float) -> float:
    return max(0.0, high - low)
