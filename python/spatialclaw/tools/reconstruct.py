"""From frames to depth, cameras and points in one world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import _geometry
from .._inputs import Inputs
from .._tensors import Tensors
from ..images import FrameImage, shortened
from ..masks import PerFrameMask
from ..reconstruction import Reconstruction
from .sam3 import SAM3


class Reconstruct:
    """Depth, cameras and world points of input frames. Call ``Reconstruct.Reconstruct(frames)``."""

    def __init__(self, inputs: Inputs, segment: SAM3) -> None:
        self._inputs = inputs
        self._sam3 = segment

    def Reconstruct(self, frames: Any, frame_indices: Sequence[int] | None = None) -> Reconstruction:  # noqa: N802
        """Reconstruct frames in one metric, gravity-aligned world -> ``Reconstruction``.

        ``frames``: InputImages, a slice or list of its elements, or one of them; at most
        ``Metadata.reconstruct_max_frames``. ``frame_indices``: normally left out (the frames know their index).
        Reconstruct all frames that you want to compare in ONE call: two calls may have two different worlds.
        A network needs views that overlap; for a long video take 8 to 32 frames, e.g. InputImages[::stride].
        Frames of different sizes are padded to the right and below with unread pixels (NaN, confidence 0); pixel
        coordinates stay those of each frame's own picture.
        TypeError: not frames. ValueError: none, too many, repeated, or pictures that are no input frames.
        RuntimeError: these frames cannot be reconstructed; the message says why and what would work.
        """
        chosen = _distinct(self._chosen(_listed(frames), frame_indices))
        limit = self._inputs.metadata.reconstruct_max_frames
        if len(chosen) > limit:
            raise ValueError(
                f"{len(chosen)} frames are more than the limit of {limit}; take every"
                f" {len(chosen) // limit + 1}th, e.g. InputImages[::{len(chosen) // limit + 1}]"
            )
        return self._reconstruct(chosen)

    __call__ = Reconstruct

    def _chosen(self, pictures: list[Any], indices: Sequence[int] | None) -> list[FrameImage]:
        if indices is None:
            return [self._known(position, picture) for position, picture in enumerate(pictures)]
        if len(indices) != len(pictures):
            raise ValueError(f"{len(pictures)} frames but {len(indices)} frame_indices; leave frame_indices out")
        frames = []
        for index in indices:
            frame = self._inputs.frame(int(index))
            if frame is None:
                raise ValueError(
                    f"frame_indices holds {index}, but the input frames are"
                    f" {shortened(self._inputs.images.frame_indices, 12)}"
                )
            frames.append(frame)
        return frames

    def _known(self, position: int, picture: Any) -> FrameImage:
        if not isinstance(picture, (FrameImage, Image.Image)):
            raise TypeError(
                f"frames[{position}] is a {type(picture).__name__}; pass elements of InputImages,"
                " e.g. Reconstruct.Reconstruct(InputImages[:8])"
            )
        frame = self._inputs.frame_of(picture)
        if frame is None:
            raise ValueError(
                f"frames[{position}] is a picture of {picture.size} pixels that is no input frame; only input frames"
                " can be reconstructed: pass elements of InputImages, not crops or copies"
            )
        return frame

    def _reconstruct(self, frames: list[FrameImage]) -> Reconstruction:
        sizes = [(frame.height, frame.width) for frame in frames]
        height, width = max(size[0] for size in sizes), max(size[1] for size in sizes)
        indices = [frame.frame_index for frame in frames]
        tensors = self._inputs.bridge.reconstruct(indices, width, height)
        arrays = _in_order(tensors, indices)
        if len(set(sizes)) > 1:
            arrays = _padded(arrays, sizes)
        return Reconstruction(
            indices,
            *arrays,
            sizes=sizes,
            facts=tensors.metadata,
            is_video=self._inputs.metadata.is_video,
            segment=self._segmented,
        )

    def _segmented(self, indices: list[int], prompts: list[str], labels: list[str]) -> PerFrameMask:
        return self._sam3.segment_video_by_text(prompts, labels, frame_indices=indices)

    def __repr__(self) -> str:
        return "tools.Reconstruct: call Reconstruct.Reconstruct(frames)"


_Arrays = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]


def _listed(frames: Any) -> list[Any]:
    if isinstance(frames, (FrameImage, Image.Image)):
        return [frames]
    if not isinstance(frames, (list, tuple)):
        raise TypeError(
            f"frames must be InputImages, a list of its elements or one of them, not {type(frames).__name__}"
        )
    if not frames:
        raise ValueError("frames is empty; pass at least one input frame, e.g. InputImages[:8]")
    return list(frames)


def _distinct(frames: list[FrameImage]) -> list[FrameImage]:
    indices = [frame.frame_index for frame in frames]
    repeated = sorted({index for index in indices if indices.count(index) > 1})
    if repeated:
        raise ValueError(f"frames {shortened(repeated)} are given more than once; pass each frame once")
    return frames


def _in_order(tensors: Tensors, indices: list[int]) -> _Arrays:
    """The answer's arrays in the order of ``indices``."""
    depth = tensors.array("depth").astype(np.float32, copy=False)
    confidence = tensors.array("confidence").astype(np.float32, copy=False)
    intrinsics = tensors.array("intrinsics").astype(np.float64, copy=False)
    poses = tensors.array("poses").astype(np.float64, copy=False)
    answered = [int(index) for index in tensors.metadata.get("frame_indices", indices)]
    if sorted(answered) != sorted(indices) or len(depth) != len(indices):
        raise RuntimeError(f"frames {shortened(indices)} were asked for, but {shortened(answered)} came back")
    if answered != indices:
        order = [answered.index(index) for index in indices]
        depth, confidence, intrinsics, poses = depth[order], confidence[order], intrinsics[order], poses[order]
    unread = ~np.isfinite(depth)
    if confidence[unread].any():
        confidence[unread] = 0
    return depth, confidence, intrinsics, poses


def _padded(arrays: _Arrays, sizes: list[tuple[int, int]]) -> _Arrays:
    """Frames that came stretched to one size, each brought back to its own size in the upper left corner."""
    depth, confidence, intrinsics, poses = arrays
    _, height, width = depth.shape
    own_depth = np.full_like(depth, np.nan)
    own_confidence = np.zeros_like(confidence)
    own_intrinsics = intrinsics.copy()
    for at, (rows, columns) in enumerate(sizes):
        own_depth[at, :rows, :columns] = _geometry.engine.resize(depth[at], (rows, columns))
        own_confidence[at, :rows, :columns] = _geometry.engine.resize(confidence[at], (rows, columns))
        own_intrinsics[at] = _scaled(intrinsics[at], columns / width, rows / height)
    return own_depth, own_confidence, own_intrinsics, poses


def _scaled(camera: NDArray[np.float64], across: float, down: float) -> NDArray[np.float64]:
    fx, fy, cx, cy = camera
    return np.array([fx * across, fy * down, (cx + 0.5) * across - 0.5, (cy + 0.5) * down - 0.5])
