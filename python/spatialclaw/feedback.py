"""How a cell shows pictures: ``show``, ``log_visual`` and ``plt.show``."""

from __future__ import annotations

import ast
import io
import linecache
import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from ._bridge import Bridge
from ._capture import encodable
from .frames import PerFrame
from .images import FrameImage, VisualFeedback, frame_index_of, to_pil

_LABEL_LIMIT = 200
# Bytes of one picture; a message to the host holds 32 MiB.
_PNG_LIMIT = 30_000_000


# A picture, what it is called, and the absolute index of its frame if it is of one.
Looked = tuple[Image.Image, str, int | None]


class Feedback:
    """Shows pictures in the next feedback message."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def show(self, *args: Any, label: str = "") -> None:
        """show(*images, label=""): look at pictures; they are attached to the next feedback message.

        Each argument is a FrameImage, a PIL image, a VisualFeedback (what visualize, render_bev and plot return), a
        uint8 array (H,W) or (H,W,3), or a list of those. ``label`` defaults to the source text of the argument.
        TypeError for anything else, before any picture is sent. Every picture counts against the image budget.
        """
        if not args:
            print("show() was called without a picture; pass one, e.g. show(InputImages[0])")
            return
        texts = [label] * len(args) if label else _arguments_at(_caller(sys._getframe(1)), len(args))
        shown = [
            picture
            for value, text in zip(args, texts, strict=True)
            for picture in pictures(value, "show's argument", text)
        ]
        for image, text, index in shown:
            self._send(image, text, index)

    def log_visual(self, visual: Any, source: str = "") -> None:
        """log_visual(visual, source=""): attach one picture for the record; its label says that it is for the log."""
        self._send(
            to_pil(visual, "log_visual's picture"), f"for the log: {source or 'picture'}", frame_index_of(visual)
        )

    def show_figures(self) -> None:
        """What ``plt.show()`` does: every open figure is shown, then closed."""
        figures = [plt.figure(number) for number in plt.get_fignums()]
        if not figures:
            print("plt.show(): no figure is open")
        try:
            for figure in figures:
                self.show_figure(figure)
        finally:
            plt.close("all")

    def show_figure(self, figure: Figure) -> None:
        """Show one matplotlib figure, named by its first title."""
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", bbox_inches="tight", dpi=100)
        self._bridge.show(buffer.getvalue(), _bounded(_title(figure)), None)

    def _send(self, image: Image.Image, label: str, index: int | None) -> None:
        self._bridge.show(png(image), _bounded(label), index if index is None or index >= 0 else None)


def png(image: Image.Image) -> bytes:
    """``image`` as a PNG; ValueError if that is too large to send."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=3)
    if buffer.tell() > _PNG_LIMIT:
        raise ValueError(
            f"the picture of {image.width}x{image.height} pixels is {buffer.tell() / 1e6:.0f} MB, more than"
            f" {_PNG_LIMIT / 1e6:.0f} MB; make it smaller first, e.g. picture.resize((1024, 768))"
        )
    return buffer.getvalue()


def close_figures() -> int:
    """Close figures that a cell left open; how many there were."""
    left = len(plt.get_fignums())
    plt.close("all")
    return left


def pictures(value: Any, what: str, text: str) -> list[Looked]:
    """The pictures in one argument, which messages call ``what``; ``text`` names them."""
    if isinstance(value, (FrameImage, VisualFeedback, Image.Image, np.ndarray)):
        return [(to_pil(value, what), text or "picture", frame_index_of(value))]
    if isinstance(value, Figure):
        raise TypeError(f"{what} is a matplotlib Figure: call plt.show() instead")
    if isinstance(value, PerFrame):
        raise TypeError(
            f"{what} is a {type(value).__name__}, no picture: for masks show(seg.visualize(fi)), for depth"
            " plt.imshow(recon.depth[fi]); plt.show()"
        )
    if isinstance(value, (str, bytes, dict)) or not isinstance(value, Iterable):
        to_pil(value, what)
    items = list(value)
    if not items:
        raise ValueError(f"{what} is an empty list of pictures")
    name = text or "pictures"
    return [
        (to_pil(item, f"{what} [{at}]"), f"{name} ({at + 1}/{len(items)})", frame_index_of(item))
        for at, item in enumerate(items)
    ]


def _title(figure: Figure) -> str:
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    suptitle = figure.get_suptitle()
    return titles[0] if titles else suptitle or "matplotlib figure"


def _bounded(label: str) -> str:
    one_line = " ".join(encodable(str(label)).split())
    return one_line if len(one_line) <= _LABEL_LIMIT else f"{one_line[: _LABEL_LIMIT - 1]}…"


def _caller(frame: FrameType | None) -> FrameType | None:
    """The innermost frame that belongs to a cell."""
    while frame is not None and not frame.f_code.co_filename.startswith("<cell "):
        frame = frame.f_back
    return frame


def _arguments_at(frame: FrameType | None, count: int) -> list[str]:
    """Source text of the first ``count`` arguments of the call that ``frame`` is executing; blanks if unknown."""
    call = _call_at(frame) if frame is not None else None
    if call is None or any(isinstance(argument, ast.Starred) for argument in call.args):
        return [""] * count
    texts = [ast.unparse(argument) for argument in call.args[:count]]
    return texts + [""] * (count - len(texts))


def _call_at(frame: FrameType) -> ast.Call | None:
    positions = list(frame.f_code.co_positions())
    first, last, begin, end = positions[frame.f_lasti // 2]
    if first is None or last is None or begin is None or end is None:
        return None
    lines = [line.encode() for line in linecache.getlines(frame.f_code.co_filename)[first - 1 : last]]
    if not lines:
        return None
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][begin:]
    try:
        expression = ast.parse(b"".join(lines).decode(), mode="eval").body
    except (SyntaxError, ValueError):
        return None
    return expression if isinstance(expression, ast.Call) else None
