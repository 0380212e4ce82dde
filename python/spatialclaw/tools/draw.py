"""Boxes, lines and points drawn on a copy of a picture."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib import colors as colour_names
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..images import to_pil

_Colour = tuple[int, int, int]


class Draw:
    """Draw on a copy of a picture; the result is a PIL image for ``show``. Coordinates are pixels.

    ``image``: FrameImage, PIL or uint8 (H,W,3). One primitive or a list of them. ``colors``: one colour for all or one
    each, an (r, g, b) tuple of 0..255 or a name such as "red" or "tab:blue".
    """

    @staticmethod
    def draw_bbox(image: Any, bboxes: Any, colors: Any = None, thickness: int | None = None) -> Image.Image:
        """Boxes [x1, y1, x2, y2], red by default."""
        return _draw(
            image,
            bboxes,
            4,
            "bboxes",
            colors,
            "red",
            lambda pen, box, colour, unit: pen.rectangle(
                (min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3])),
                outline=colour,
                width=_width(thickness, unit),
            ),
        )

    @staticmethod
    def draw_line(image: Any, lines: Any, colors: Any = None, thickness: int | None = None) -> Image.Image:
        """Lines [x1, y1, x2, y2], green by default."""
        return _draw(
            image,
            lines,
            4,
            "lines",
            colors,
            "lime",
            lambda pen, line, colour, unit: pen.line(
                tuple(line),
                fill=colour,
                width=_width(thickness, unit),
            ),
        )

    @staticmethod
    def draw_point(image: Any, points: Any, colors: Any = None, radius: int | None = None) -> Image.Image:
        """Filled dots at [x, y], blue by default."""

        def dot(pen: ImageDraw.ImageDraw, at: list[float], colour: _Colour, unit: int) -> None:
            reach = max(3, round(0.008 * unit)) if radius is None else max(1, round(float(radius)))
            pen.ellipse((at[0] - reach, at[1] - reach, at[0] + reach, at[1] + reach), fill=colour)

        return _draw(image, points, 2, "points", colors, "blue", dot)

    def __repr__(self) -> str:
        return "tools.Draw: draw_bbox, draw_line, draw_point"


def _draw(
    image: Any,
    shapes: Any,
    length: int,
    what: str,
    colours: Any,
    default: str,
    stroke: Callable[[ImageDraw.ImageDraw, list[float], _Colour, int], None],
) -> Image.Image:
    picture = to_pil(image, "image").copy()
    listed = _listed(shapes, length, what)
    pen = ImageDraw.Draw(picture)
    for shape, colour in zip(listed, _colours(colours, default, len(listed)), strict=True):
        stroke(pen, shape.tolist(), colour, min(picture.size))
    return picture


def _width(thickness: int | None, unit: int) -> int:
    return max(2, round(0.004 * unit)) if thickness is None else max(1, round(float(thickness)))


def _listed(shapes: Any, length: int, what: str) -> NDArray[np.float64]:
    array = np.asarray(shapes, dtype=np.float64)
    if array.shape == (length,):
        array = array[None]
    # A line may also be written as two points.
    if length == 4 and array.ndim >= 2 and array.shape[-2:] == (2, 2):
        array = array.reshape(-1, 4)
    if array.ndim != 2 or array.shape[1] != length or not np.isfinite(array).all():
        form = "[x, y]" if length == 2 else "[x1, y1, x2, y2]"
        raise ValueError(f"{what} must be {form} or a list of those, with finite numbers, not shape {array.shape}")
    return array


def _colours(colours: Any, default: str, count: int) -> list[_Colour]:
    if colours is None:
        return [_colour(default)] * count
    if isinstance(colours, str) or (len(colours) == 3 and all(isinstance(part, numbers.Real) for part in colours)):
        return [_colour(colours)] * count
    listed = [_colour(one) for one in colours]
    if len(listed) == 1:
        return listed * count
    if len(listed) != count:
        raise ValueError(f"{count} shapes but {len(listed)} colors; give one color for all or one for each")
    return listed


def _colour(value: Any) -> _Colour:
    if isinstance(value, str):
        try:
            red, green, blue = colour_names.to_rgb(value)
        except ValueError:
            raise ValueError(
                f"{value!r} is no color; use a name such as 'red' or an (r, g, b) tuple of 0..255"
            ) from None
        return round(255 * red), round(255 * green), round(255 * blue)
    parts = np.asarray(value)
    if parts.shape != (3,) or parts.dtype.kind not in "iuf" or parts.min() < 0 or parts.max() > 255:
        raise ValueError(f"{value!r} is no color; use a name such as 'red' or an (r, g, b) tuple of 0..255")
    return int(parts[0]), int(parts[1]), int(parts[2])
