"""Arrays that hold one entry per frame and are looked up by absolute frame index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import _geometry
from .images import shortened


class PerFrame:
    """One entry per frame. ``obj[fi]`` takes an absolute frame index, never a list position.

    ``frame_indices``: absolute indices in order. ``num_frames`` == ``len(obj)``.
    """

    _usage: tuple[str, ...] = ()

    def __init__(self, frame_indices: Sequence[int], sizes: Sequence[tuple[int, int]] | None = None) -> None:
        self.frame_indices = [int(index) for index in frame_indices]
        self._positions = {index: position for position, index in enumerate(self.frame_indices)}
        if len(self._positions) != len(self.frame_indices):
            raise ValueError(f"frame indices repeat: {shortened(self.frame_indices, 12)}; each frame may appear once")
        self._sizes = None if sizes is None else [(int(height), int(width)) for height, width in sizes]

    @property
    def num_frames(self) -> int:
        """How many frames there are."""
        return len(self.frame_indices)

    def __len__(self) -> int:
        return self.num_frames

    def get_by_frame_index(self, frame_index: int) -> int:
        """Position of an absolute frame index along the arrays' first axis."""
        if isinstance(frame_index, (bool, np.bool_)) or not isinstance(frame_index, (int, np.integer)):
            raise TypeError(
                f"{type(self).__name__} is looked up by an absolute frame index (an int), not"
                f" {type(frame_index).__name__} ({frame_index!r:.60}); available: {shortened(self.frame_indices, 12)}"
            )
        try:
            return self._positions[int(frame_index)]
        except KeyError:
            raise KeyError(self._missing(int(frame_index))) from None

    def _missing(self, index: int) -> str:
        text = f"frame {index} is not among this {type(self).__name__}'s frames {shortened(self.frame_indices, 12)}"
        if index == 0 and self.frame_indices:
            return f"{text}. 0 looks like a list position: use the absolute index, e.g. {self.frame_indices[0]}"
        return f"{text}: use one of them"

    def validate_alignment(self, other: PerFrame, strict: bool = True) -> bool:
        """Whether ``other`` holds the same frames in the same order; ValueError if not and ``strict``."""
        aligned = self.frame_indices == list(other.frame_indices)
        if strict and not aligned:
            raise ValueError(
                f"frames differ: {shortened(self.frame_indices, 12)} and {shortened(other.frame_indices, 12)};"
                " look both up by absolute frame index, or make them from the same frames"
            )
        return aligned

    def size_of(self, frame_index: int) -> tuple[int, int]:
        """(height, width) of one frame's own picture; arrays of frames of mixed sizes are padded right and below."""
        position = self.get_by_frame_index(frame_index)
        return self._sizes[position] if self._sizes is not None else self._array_size()

    def _array_size(self) -> tuple[int, int]:
        raise TypeError(f"{type(self).__name__} has no pixels")

    def __iter__(self) -> Iterator[NoReturn]:
        raise TypeError(
            f"{type(self).__name__} is not iterable: loop `for fi in obj.frame_indices:` and use obj[fi]"
            " (fi is an absolute frame index)"
        )

    def __contains__(self, frame_index: object) -> bool:
        return frame_index in self._positions

    def __repr__(self) -> str:
        head = f"{type(self).__name__}({self._facts()}frame_indices={shortened(self.frame_indices)})"
        return "\n".join([head, *(f"  {line}" for line in self._usage)])

    def _facts(self) -> str:
        return ""


class PerFrameDepth(PerFrame):
    """Depth of each frame.

    ``depth`` (N,H,W) f32: metres along the camera's +Z, NaN where nothing was read. ``confidence`` (N,H,W) f32 in
    [0,1], 0 where nothing was read. ``obj[fi]`` -> (H,W) depth.
    """

    _usage = (
        "obj[fi] -> (H,W) metres along the camera's +Z, NaN = no reading (np.nanmedian, np.isfinite)",
        "obj.depth, obj.confidence -> (N,H,W)",
    )

    def __init__(
        self,
        depth: NDArray[np.float32],
        confidence: NDArray[np.float32],
        frame_indices: Sequence[int],
        sizes: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        super().__init__(frame_indices, sizes)
        self.depth = depth
        self.confidence = confidence

    def __getitem__(self, frame_index: int) -> NDArray[np.float32]:
        entry: NDArray[np.float32] = self.depth[self.get_by_frame_index(frame_index)]
        return entry

    def _array_size(self) -> tuple[int, int]:
        return self.depth.shape[1], self.depth.shape[2]

    def _facts(self) -> str:
        return f"shape={self.depth.shape}, "


class PerFrameIntrinsics(PerFrame):
    """Pinhole cameras, in pixels of the frames' pictures; integer coordinates are pixel centres.

    ``fx fy cx cy``: each (N,) f64. ``obj[fi]`` -> dict with those four floats.
    """

    def __init__(self, values: NDArray[np.float64], frame_indices: Sequence[int]) -> None:
        super().__init__(frame_indices)
        self.fx, self.fy, self.cx, self.cy = np.array(values, dtype=np.float64).T.copy()

    def __getitem__(self, frame_index: int) -> dict[str, float]:
        position = self.get_by_frame_index(frame_index)
        return {name: float(getattr(self, name)[position]) for name in ("fx", "fy", "cx", "cy")}


class PerFrameExtrinsics(PerFrame):
    """Camera poses: ``camera_poses`` (N,4,4) f64 camera-to-world. ``obj[fi]`` -> (4,4).

    OpenCV camera axes: column 0 = camera right, column 1 = camera down, column 2 = viewing direction,
    column 3 = camera position, all in world coordinates.
    """

    def __init__(self, camera_poses: NDArray[np.float64], frame_indices: Sequence[int]) -> None:
        super().__init__(frame_indices)
        self.camera_poses = camera_poses

    def __getitem__(self, frame_index: int) -> NDArray[np.float64]:
        pose: NDArray[np.float64] = self.camera_poses[self.get_by_frame_index(frame_index)]
        return pose


class PerFramePointMap(PerFrame):
    """World position of each pixel.

    ``points`` (N,H,W,3) f32: world X,Y,Z in metres (+Y up), NaN where nothing was read. ``confidence`` (N,H,W) f32 in
    [0,1], 0 where nothing was read. ``obj[fi]`` -> (H,W,3). Computed from depth when first looked at.
    """

    _usage = (
        "obj[fi] -> (H,W,3) world X,Y,Z in metres, +Y up; NaN where nothing was read (confidence 0)",
        "obj[fi][y, x] -> one pixel's point;  seg.get_masked_points(recon, fi, obj) -> points of an object",
    )

    def __init__(self, depth: PerFrameDepth, intrinsics: PerFrameIntrinsics, extrinsics: PerFrameExtrinsics) -> None:
        super().__init__(depth.frame_indices, depth._sizes)
        self._depth, self._intrinsics, self._extrinsics = depth, intrinsics, extrinsics
        self._single: dict[int, NDArray[np.float32]] = {}
        self._all: NDArray[np.float32] | None = None
        self.confidence = depth.confidence

    def __getitem__(self, frame_index: int) -> NDArray[np.float32]:
        position = self.get_by_frame_index(frame_index)
        if self._all is not None:
            entry: NDArray[np.float32] = self._all[position]
            return entry
        if position not in self._single:
            self._single[position] = self._compute(position, position + 1)[0]
        return self._single[position]

    @property
    def points(self) -> NDArray[np.float32]:
        """(N,H,W,3) f32 world points of all frames."""
        if self._all is None:
            everything = self._compute(0, self.num_frames)
            # What a cell has written into single frames stays.
            for position, single in self._single.items():
                everything[position] = single
            self._all, self._single = everything, {}
        return self._all

    def _compute(self, first: int, end: int) -> NDArray[np.float32]:
        """The points of the frames at positions ``first`` to ``end`` - 1."""
        depth, camera = self._depth.depth[first:end], self._intrinsics
        cameras = np.stack([camera.fx, camera.fy, camera.cx, camera.cy], axis=1)[first:end]
        points = np.empty((*depth.shape, 3), np.float32)
        _geometry.engine.lift(depth, cameras, self._extrinsics.camera_poses[first:end], points)
        return points

    def _array_size(self) -> tuple[int, int]:
        return self._depth._array_size()

    def _facts(self) -> str:
        return f"shape={(*self._depth.depth.shape, 3)}, "


class PerFrameCoordinates(PerFrame):
    """Named places in each frame: ``coords_2d`` (N,K,2) pixels, ``coords_3d`` (N,K,3) world, ``labels`` of the K.

    ``obj[fi]`` -> dict with that frame's ``coords_2d`` and ``coords_3d``. A container for a cell's own use; no tool
    returns one.
    """

    def __init__(
        self,
        coords_2d: NDArray[np.float64],
        coords_3d: NDArray[np.float64],
        labels: Sequence[str],
        frame_indices: Sequence[int],
    ) -> None:
        super().__init__(frame_indices)
        expected = (len(self.frame_indices), len(labels))
        if np.shape(coords_2d) != (*expected, 2) or np.shape(coords_3d) != (*expected, 3):
            raise ValueError(
                f"coords_2d must be {(*expected, 2)} and coords_3d {(*expected, 3)} for {expected[0]} frames and"
                f" {expected[1]} labels, not {np.shape(coords_2d)} and {np.shape(coords_3d)}"
            )
        self.coords_2d, self.coords_3d = np.asarray(coords_2d), np.asarray(coords_3d)
        self.labels = [str(label) for label in labels]

    def __getitem__(self, frame_index: int) -> dict[str, NDArray[np.float64]]:
        position = self.get_by_frame_index(frame_index)
        return {"coords_2d": self.coords_2d[position], "coords_3d": self.coords_3d[position]}


def crop(array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """The part of a padded (H,W,…) array that is the frame's own picture."""
    return array[: size[0], : size[1]]
