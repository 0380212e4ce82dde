"""What one session looks at, shared by its tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ._bridge import Bridge
from .images import FrameImage, InputImages, decode, scaled_size
from .metadata import Metadata


class Input(Protocol):
    """One input frame as the host describes it."""

    @property
    def index(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def time_s(self) -> float | None: ...


class Opening(Protocol):
    """What a session starts from; ``_host.Opening`` is one."""

    @property
    def frames(self) -> Sequence[Input]: ...
    @property
    def max_long_edge(self) -> int: ...
    @property
    def video(self) -> tuple[float, int, float] | None: ...
    @property
    def reconstruct_max_frames(self) -> int: ...
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True)
class Inputs:
    """The frames, what is known about them, and the way to the host."""

    bridge: Bridge
    images: InputImages
    metadata: Metadata

    def frame(self, index: int) -> FrameImage | None:
        """The input frame with an absolute index, if there is one."""
        return next((frame for frame in self.images if frame.frame_index == index), None)

    def frame_of(self, picture: object) -> FrameImage | None:
        """The input frame that ``picture`` is, also when it is a frame's own PIL image."""
        if isinstance(picture, FrameImage):
            return self.frame(picture.frame_index)
        return next((frame for frame in self.images if frame.is_loaded and frame.image is picture), None)


def inputs(opening: Opening, bridge: Bridge) -> Inputs:
    """The inputs of a session that starts from ``opening``."""
    images = InputImages(_frame(entry, opening.max_long_edge, bridge) for entry in opening.frames)
    times = {entry.index: entry.time_s for entry in opening.frames if entry.time_s is not None}
    metadata = Metadata(
        num_images=len(images),
        reconstruct_max_frames=opening.reconstruct_max_frames,
        video=opening.video,
        frame_times=times,
    )
    return Inputs(bridge, images, metadata)


def _frame(entry: Input, long_edge: int, bridge: Bridge) -> FrameImage:
    size = scaled_size(entry.width, entry.height, long_edge)
    index = entry.index
    return FrameImage(index, size, lambda: decode(bridge.frame(index), size))
