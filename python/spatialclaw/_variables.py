"""Which variables a cell made or changed, in one line each.

Values are compared by a cheap fingerprint, so that a change inside an array of the same shape is seen. Large arrays
are sampled on a regular grid. Nothing of the cell's own classes is called: only types known here are looked into.
"""

from __future__ import annotations

import types
import zlib
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ._capture import encodable
from .frames import PerFrame
from .images import FrameImage, InputImages, VisualFeedback, shortened
from .masks import PerFrameMask
from .reconstruction import Reconstruction

# Most variables listed in one report.
_REPORT_LIMIT = 200
# Bytes of an array that are looked at.
_SAMPLE_BYTES = 128 << 10
# Members of a container that are looked at, and how deep.
_MEMBERS, _DEPTH = 64, 3
_LARGE_BYTES = 500_000_000
_NAME_LIMIT, _SUMMARY_LIMIT = 200, 400

_SCALARS = (bool, int, float, complex, str, bytes, type(None))


class Variables:
    """The variables of one session as of the last report."""

    def __init__(self, injected: Mapping[str, Any]) -> None:
        self._injected = dict(injected)
        self._known: dict[str, Hashable] = {}

    def report(self, namespace: Mapping[str, Any]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """(name, summary) of the variables that are new and of those that changed since the last report."""
        now = {
            name: _fingerprint(value, _DEPTH) for name, value in dict(namespace).items() if self._counts(name, value)
        }
        new = [name for name in now if name not in self._known]
        changed = [name for name in now if name in self._known and self._known[name] != now[name]]
        self._known = now
        return _lines(namespace, new), _lines(namespace, changed)

    def _counts(self, name: Any, value: Any) -> bool:
        if not isinstance(name, str) or name.startswith("_") or isinstance(value, types.ModuleType):
            return False
        if name in self._injected and self._injected[name] is value:
            return False
        return not callable(value)


def _lines(namespace: Mapping[str, Any], names: list[str]) -> list[tuple[str, str]]:
    lines = [(encodable(name[:_NAME_LIMIT]), summary(namespace[name])) for name in names[:_REPORT_LIMIT]]
    if len(names) > _REPORT_LIMIT:
        lines.append(("…", f"{len(names) - _REPORT_LIMIT} more"))
    return lines


def _fingerprint(value: Any, depth: int) -> Hashable:
    kind = type(value)
    if kind in _SCALARS:
        return kind, value if value == value else "nan"  # noqa: PLR0124  (a nan equals itself here)
    if isinstance(value, np.generic):
        return kind, value.tobytes() if not value.dtype.hasobject else id(value)
    if kind is np.ndarray:
        return kind, value.shape, value.dtype.str, _digest(value)
    if kind in (list, tuple, InputImages) and depth:
        return kind, len(value), tuple(_fingerprint(item, depth - 1) for item in value[:_MEMBERS])
    if kind is dict and depth:
        items = list(value.items())[:_MEMBERS]
        return kind, len(value), tuple((_fingerprint(k, 0), _fingerprint(v, depth - 1)) for k, v in items)
    if kind in (set, frozenset) and depth:
        return kind, len(value), hash(frozenset(item for item in value if type(item) in _SCALARS))
    return kind, id(value)


def _digest(array: NDArray[Any]) -> Hashable:
    if array.dtype.hasobject or array.ndim == 0:
        return id(array) if array.dtype.hasobject else array.tobytes()
    if array.nbytes > _SAMPLE_BYTES:
        step = int(np.ceil((array.nbytes / _SAMPLE_BYTES) ** (1 / array.ndim)))
        array = array[tuple(slice(None, None, step) for _ in range(array.ndim))]
    return zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data) if array.size else 0


def summary(value: Any) -> str:
    """One line about ``value``: type, shape, dtype, length, frames, size, keys."""
    parts = [type(value).__name__, *_details(value)]
    return encodable(", ".join(parts)[:_SUMMARY_LIMIT])


def _details(value: Any) -> list[str]:
    kind = type(value)
    if isinstance(value, np.ndarray):
        return [f"shape={value.shape}", f"dtype={value.dtype}", *_size(value.nbytes)]
    if kind in _SCALARS or isinstance(value, np.generic):
        return _scalar(value)
    if isinstance(value, PerFrameMask):
        return [f"labels={shortened(value.labels)}", _frames(value.frame_indices)]
    if isinstance(value, (PerFrame, Reconstruction)):
        return [_frames(value.frame_indices)]
    if kind is InputImages:
        return [f"len={len(value)}", _frames(value.frame_indices)]
    if kind is dict:
        keys = [repr(key)[:40] if type(key) in _SCALARS else type(key).__name__ for key in list(value)[:5]]
        return [f"len={len(value)}", f"keys=[{', '.join(keys)}{', …' if len(value) > 5 else ''}]"]
    if kind in (list, tuple, set, frozenset):
        return [f"len={len(value)}"]
    if isinstance(value, (Image.Image, FrameImage)):
        return [f"size={value.size}"]
    return [f"source={value.source}"] if isinstance(value, VisualFeedback) else []


def _scalar(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, np.generic):
        value = value.item()
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**30 else "a very large number"
    if isinstance(value, (str, bytes)):
        text = repr(value[:60]) + ("…" if len(value) > 60 else "")
        return [f"len={len(value)}", f"value={text}"]
    return [f"value={text}"]


def _size(nbytes: int) -> list[str]:
    if nbytes < 1_000_000:
        return []
    text = f"size={nbytes / 1e6:.1f} MB"
    return [f"{text} (large: del it when it is no longer needed)" if nbytes > _LARGE_BYTES else text]


def _frames(indices: list[int]) -> str:
    if len(indices) > 6:
        return f"frames=[{indices[0]}..{indices[-1]}] ({len(indices)} frames)"
    return f"frames={indices}"
