"""Arithmetic over every pixel of a reconstruction, by whichever half of the package is there.

Inside a kernel the native half is loaded before this module and does the work without temporary arrays; elsewhere, in
tests and notebooks, numpy does (``_geometry_py``). Both give the same numbers. Arguments have been checked by then.
Confidence is compared with a threshold in the confidence's own precision: 0.3 in f32 is not above 0.3.
"""

from __future__ import annotations

import sys
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from . import _geometry_py

_Doubles = NDArray[np.float64]


class Engine(Protocol):
    """What ``_geometry_py`` and ``Native`` do."""

    def lift(
        self, depth: NDArray[np.float32], cameras: _Doubles, poses: _Doubles, out: NDArray[np.float32]
    ) -> None:
        """World points of depth (N,H,W) with cameras (N,4) = fx fy cx cy and poses (N,4,4), into ``out`` (N,H,W,3)."""

    def transform(self, points: NDArray[Any], matrix: _Doubles) -> _Doubles:
        """Points (…,3) moved by a (4,4) matrix."""

    def fit_plane(
        self, points: NDArray[Any], confidence: NDArray[Any], threshold: float, iterations: int, distance: float
    ) -> tuple[NDArray[np.bool_], _Doubles] | None:
        """The plane that most points (K,3) with confidence (K,) above ``threshold`` lie on, within ``distance``.

        Which of the confident points lie on it, and the products of those points' deviations from their mean (3,3).
        ``None``: fewer than 100 confident points that were measured, or fewer than 50 on the plane.
        """

    def resize(self, array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
        """(H,W,…) at ``size`` = (rows, columns): the nearest by pixel centres."""

    def pick(
        self,
        points: NDArray[np.float32],
        confidence: NDArray[np.float32],
        mask: NDArray[np.bool_],
        threshold: float,
        rim: int,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Measured points (K,3) under a mask (H,W) with confidence above ``threshold``, and their confidence (K,).

        The mask is taken in by ``rim`` pixels first, unless less than a tenth of it would be left.
        """

    def outline(self, points: _Doubles) -> _Doubles:
        """Corners (M,2) of the convex hull of (K,2), counter-clockwise; fewer than three if they lie on a line."""


class Native:
    """The native half (``_host``), given what it needs: contiguous arrays of the right type."""

    def __init__(self, host: Any) -> None:
        self._lift = host.lift
        self._transform = host.transform
        self._fit_plane = host.fit_plane
        self._resize = host.resize
        self._pick = host.pick
        self._outline = host.outline

    def lift(self, depth: NDArray[np.float32], cameras: _Doubles, poses: _Doubles, out: NDArray[np.float32]) -> None:
        """See ``Engine``."""
        self._lift(_plain(depth, np.float32), _plain(cameras), _plain(poses), *depth.shape[1:], out)

    def transform(self, points: NDArray[Any], matrix: _Doubles) -> _Doubles:
        """See ``Engine``."""
        given = _plain(points, np.float32 if points.dtype == np.float32 else np.float64)
        moved = np.empty(points.shape, np.float64)
        self._transform(given, matrix.ravel().tolist(), moved)
        return moved

    def fit_plane(
        self, points: NDArray[Any], confidence: NDArray[Any], threshold: float, iterations: int, distance: float
    ) -> tuple[NDArray[np.bool_], _Doubles] | None:
        """See ``Engine``."""
        single = points.dtype == np.float32 and confidence.dtype == np.float32
        dtype = np.float32 if single else np.float64
        limit = float(dtype(threshold))
        found = self._fit_plane(_plain(points, dtype), _plain(confidence, dtype), limit, iterations, distance)
        if found is None:
            return None
        return np.frombuffer(found[0], np.bool_), np.array(found[1]).reshape(3, 3)

    def resize(self, array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
        """See ``Engine``."""
        given = np.ascontiguousarray(array)
        resized = np.empty((*size, *given.shape[2:]), given.dtype)
        element = given.itemsize * int(np.prod(given.shape[2:]))
        self._resize(_octets(given), element, given.shape[:2], size, _octets(resized))
        return resized

    def pick(
        self,
        points: NDArray[np.float32],
        confidence: NDArray[np.float32],
        mask: NDArray[np.bool_],
        threshold: float,
        rim: int,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See ``Engine``."""
        octets = _octets(np.ascontiguousarray(mask))
        columns, limit = mask.shape[1], float(np.float32(threshold))
        found = self._pick(
            _plain(points, np.float32), _plain(confidence, np.float32), octets, columns, limit, rim
        )
        return np.frombuffer(found[0], np.float32).reshape(-1, 3), np.frombuffer(found[1], np.float32)

    def outline(self, points: _Doubles) -> _Doubles:
        """See ``Engine``."""
        return np.array(self._outline(_plain(points)), np.float64).reshape(-1, 2)


def _plain(array: NDArray[Any], dtype: Any = np.float64) -> NDArray[Any]:
    return np.require(array, dtype, ("C", "A"))


def _octets(array: NDArray[Any]) -> NDArray[np.uint8]:
    return array.reshape(-1).view(np.uint8)


_host = sys.modules.get("spatialclaw._host")
engine: Engine = _geometry_py if _host is None else Native(_host)
