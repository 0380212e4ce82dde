"""Masks drawn over a picture."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage


def draw(background: Image.Image, masks: NDArray[np.bool_], names: Sequence[str]) -> Image.Image:
    """``background`` with each non-empty mask half filled, outlined and named; ``masks`` (K,H,W) of its size."""
    canvas = np.asarray(background.convert("RGB"), dtype=np.float32).copy()
    colours = palette(len(masks))
    for mask, colour in zip(masks, colours, strict=True):
        if mask.any():
            canvas[mask] = 0.5 * canvas[mask] + 0.5 * np.asarray(colour, dtype=np.float32)
            outline = ndimage.binary_dilation(mask) & ~ndimage.binary_erosion(mask)
            canvas[outline] = 0.2 * canvas[outline] + 0.8 * 255
    picture = Image.fromarray(canvas.round().clip(0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for mask, colour, name in zip(masks, colours, names, strict=True):
        if mask.any():
            rows, columns = np.nonzero(mask)
            tag(pen, picture.size, (columns.mean(), rows.mean()), name, colour)
    return picture


def palette(count: int) -> list[tuple[int, int, int]]:
    """``count`` colours of the rainbow."""
    wheel = matplotlib.colormaps["rainbow"]
    chosen = [wheel(position / max(count - 1, 1)) for position in range(count)]
    return [(round(255 * red), round(255 * green), round(255 * blue)) for red, green, blue, _ in chosen]


def tag(
    pen: ImageDraw.ImageDraw,
    size: tuple[int, int],
    centre: tuple[float, float],
    text: str,
    colour: tuple[int, int, int],
) -> None:
    """A small box with ``text`` around ``centre``, kept inside the picture."""
    font = lettering(max(11, round(0.028 * min(size))))
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    width, height = right - left + 6, bottom - top + 6
    x = min(max(centre[0] - width / 2, 0), max(size[0] - width, 0))
    y = min(max(centre[1] - height / 2, 0), max(size[1] - height, 0))
    pen.rectangle((x, y, x + width, y + height), fill=(20, 20, 20), outline=colour)
    pen.text((x + 3 - left, y + 3 - top), text, fill=(255, 255, 255), font=font)


@functools.cache
def lettering(size: int) -> ImageFont.FreeTypeFont:
    """The font that matplotlib brings along, which knows most scripts' letters."""
    return ImageFont.truetype(os.path.join(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size)
