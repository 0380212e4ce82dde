"""Prints what a model is told about the names in a cell: ``python -m spatialclaw.describe > spatialclaw/tools.md``.

The text is put together from docstrings and signatures, so what the prompts say is what the code does.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

from .answer import ReturnAnswer
from .feedback import Feedback
from .frames import PerFrameDepth, PerFrameExtrinsics, PerFrameIntrinsics, PerFramePointMap
from .images import FrameImage, InputImages, VisualFeedback
from .masks import PerFrameMask
from .metadata import Metadata
from .reconstruction import Reconstruction
from .tools import CLASSES
from .vlm import Vlm

_HEAD = """\
# Names in a cell

One Python interpreter runs all cells of a question; variables persist from cell to cell. Bound already: `np`, `math`,
`collections`, `itertools`, `functools`, `matplotlib`, `plt`, `scipy`, `ndimage`, `spatial`, `signal`, `optimize`; PIL
and cv2 can be imported. There is no network, no other program and no file but in the working directory. Never rebind
`InputImages`, `Metadata`, `tools`, `feedback`, `show`, `vlm`, `ReturnAnswer` or a tool's name. What a cell prints,
shows and assigns, and the value of its last expression, is what you see of it.

An absolute frame index (`fi`) names a frame everywhere; a list position does so only in `InputImages[i]`. Depth and
points are NaN where nothing was measured: use np.nanmedian and np.isfinite, or the methods below, which leave such
pixels out.
"""

_WORLD = """\
World: right-handed, metres, +Y up, floor near Y=0; the first reconstructed camera looks along -Z (horizontally) and its
right is +X. A camera's axes in the world are the columns of `recon.extrinsics[fi]`: right, DOWN, viewing direction,
position. Seen from a place `p` looking along the horizontal direction `f`: ahead = dot(q-p, f), right =
dot(q-p, [-f_z, 0, f_x]).
"""

_INPUTS: tuple[type, ...] = (InputImages, FrameImage, Metadata)
_RESULTS: tuple[type, ...] = (
    Reconstruction,
    PerFramePointMap,
    PerFrameDepth,
    PerFrameIntrinsics,
    PerFrameExtrinsics,
    PerFrameMask,
    VisualFeedback,
)
# Methods whose class says enough about them, or that serve compatibility only.
_SILENT = {"validate_alignment", "get_by_frame_index", "to_dict", "segment_image", "segment_video", "log_visual"}


def text() -> str:
    """The whole text, Markdown."""
    return "\n".join([_HEAD, *_inputs(), *_tools(), *_results(), *_endings()]).rstrip() + "\n"


def _inputs() -> Iterator[str]:
    yield "## Inputs\n"
    for kind in _INPUTS:
        yield f"**{kind.__name__}**: {_doc(kind)}\n"


def _tools() -> Iterator[str]:
    yield "## Tools\n"
    yield "Bound at top level (`SAM3.…`) and in `tools` (`tools.SAM3.…`).\n"
    for kind in CLASSES:
        yield f"### {kind.__name__}\n\n{_doc(kind)}\n"
        yield from _methods(kind, f"{kind.__name__}.")
        yield ""


def _results() -> Iterator[str]:
    yield "## What tools return\n"
    yield _WORLD
    for kind in _RESULTS:
        yield f"**{kind.__name__}**: {_doc(kind)}\n"
        lines = list(_methods(kind, "."))
        if lines:
            yield from lines
            yield ""


def _endings() -> Iterator[str]:
    yield "## Looking and answering\n"
    yield f"{_doc(Feedback.show)}\n"
    yield "`plt.show()` shows every open figure and closes it; what a cell leaves open is closed unseen.\n"
    yield f"**vlm**: {_doc(Vlm)}\n"
    yield from _methods(Vlm, "vlm.")
    yield ""
    yield f"{_doc(ReturnAnswer)}\n"


def _methods(kind: type, prefix: str) -> Iterator[str]:
    for name, member in vars(kind).items():
        function = member.__func__ if isinstance(member, staticmethod) else member
        if inspect.isfunction(function) and not name.startswith("_") and name not in _SILENT:
            first, *rest = [line for line in _doc(function).split("\n") if line]
            yield f"- `{prefix}{name}({_parameters(function)})`: {first}"
            yield from (f"  {line}" for line in rest)


def _parameters(function: Callable[..., Any]) -> str:
    """The parameters without types, ``self`` and catch-alls."""
    kept = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self" and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    return str(inspect.Signature(kept))[1:-1]


def _doc(thing: Any) -> str:
    return inspect.getdoc(thing) or ""


if __name__ == "__main__":
    sys.stdout.write(text())
