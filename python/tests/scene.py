"""A host written in Python that looks into a small room whose measures are known."""

from __future__ import annotations

import io
import json
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Box:
    """An axis-aligned box in the world: centre and side lengths in metres."""

    number: int
    name: str
    centre: tuple[float, float, float]
    sides: tuple[float, float, float]


@dataclass(frozen=True)
class Shot:
    """One frame: absolute index, pixels, where the camera stands; it looks along -Z."""

    index: int
    size: tuple[int, int] = (64, 48)
    position: tuple[float, float, float] = (0.0, 1.5, 0.0)
    time_s: float | None = None

    @property
    def width(self) -> int:
        return self.size[0]

    @property
    def height(self) -> int:
        return self.size[1]

    @property
    def pose(self) -> np.ndarray:
        """Camera-to-world, OpenCV axes: right +X, down -Y, forward -Z."""
        pose = np.diag([1.0, -1.0, -1.0, 1.0])
        pose[:3, 3] = self.position
        return pose

    def camera(self, width: int, height: int) -> np.ndarray:
        """fx, fy, cx, cy in pixels of a picture stretched to width x height; the field of view is this frame's own."""
        focal = 0.8 * self.width
        return np.array([focal * width / self.width, focal * height / self.height, width / 2 - 0.5, height / 2 - 0.5])


CHAIR = Box(1, "chair", (0.6, 0.4, -3.0), (0.5, 0.8, 0.5))
TABLE = Box(2, "table", (-1.0, 0.4, -4.0), (1.0, 0.8, 0.6))
OTHER_CHAIR = Box(3, "chair", (1.4, 0.4, -3.5), (0.4, 0.8, 0.4))
WALL_Z = -6.0


def look(shot: Shot, boxes: Sequence[Box], width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Depth (H,W) in metres and instance numbers (H,W) of a room with a floor at Y=0 and a wall."""
    fx, fy, cx, cy = shot.camera(width, height)
    x, y = (np.arange(width) - cx) / fx, (np.arange(height) - cy) / fy
    rays = np.stack(np.broadcast_arrays(x[None, :], -y[:, None], -1.0), axis=-1)
    origin = np.array(shot.position)
    depth = np.full((height, width), (origin[2] - WALL_Z))
    numbers = np.zeros((height, width), np.int32)
    with np.errstate(divide="ignore", invalid="ignore"):
        floor = np.where(rays[..., 1] < 0, -origin[1] / rays[..., 1], np.inf)
        depth = np.minimum(depth, floor)
        for box in boxes:
            low = (np.array(box.centre) - np.array(box.sides) / 2 - origin) / rays
            high = (np.array(box.centre) + np.array(box.sides) / 2 - origin) / rays
            enter, leave = np.minimum(low, high).max(axis=-1), np.maximum(low, high).min(axis=-1)
            hit = (enter < leave) & (enter > 0) & (enter < depth)
            depth[hit], numbers[hit] = enter[hit], box.number
    return depth.astype(np.float32), numbers


def safetensors(arrays: dict[str, np.ndarray], metadata: dict[str, Any]) -> bytes:
    """One safetensors file."""
    names = {"float32": "F32", "float64": "F64", "bool": "BOOL", "int32": "I32"}
    header: dict[str, Any] = {"__metadata__": {key: json.dumps(value) for key, value in metadata.items()}}
    body = b""
    for name, array in arrays.items():
        data = np.ascontiguousarray(array).tobytes()
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": names[str(array.dtype)], "shape": list(array.shape), "data_offsets": offsets}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def memory_file(content: bytes) -> int:
    """A descriptor whose file holds ``content``."""
    descriptor = os.memfd_create("answer")
    os.write(descriptor, content)
    return descriptor


@dataclass
class Room:
    """``_bridge.Host`` for a room with boxes."""

    shots: list[Shot]
    boxes: list[Box] = field(default_factory=lambda: [CHAIR, TABLE])
    # Boxes by frame index where they stand elsewhere than in `boxes`.
    moved: dict[int, list[Box]] = field(default_factory=dict)
    stable_ids: bool = True
    # Depth readings in the upper left corner of this side length are missing.
    hole_px: int = 0
    # Raised by the next call, as the host would.
    refuse: Exception | None = None
    shown: list[tuple[bytes, str, int | None]] = field(default_factory=list)
    answers: list[tuple[str, float | None]] = field(default_factory=list)
    # What the vision model says.
    told: str = "(500, 500)"
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def shot(self, index: int) -> Shot:
        return next(shot for shot in self.shots if shot.index == index)

    def _look(self, shot: Shot, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
        return look(shot, self.moved.get(shot.index, self.boxes), width, height)

    def _refuse(self) -> None:
        if self.refuse is not None:
            refusal, self.refuse = self.refuse, None
            raise refusal

    def fetch_frame(self, index: int) -> int:
        self._refuse()
        shot = self.shot(index)
        picture = np.full((shot.height, shot.width, 3), index % 256, np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "PNG")
        return memory_file(buffer.getvalue())

    def reconstruct(self, frames: Sequence[int], width: int, height: int) -> int:
        self.asked.append(("reconstruct", list(frames), width, height))
        self._refuse()
        shots = [self.shot(index) for index in frames]
        depth = np.stack([self._look(shot, width, height)[0] for shot in shots])
        depth[:, : self.hole_px, : self.hole_px] = np.nan
        arrays = {
            "depth": depth,
            "confidence": np.where(np.isnan(depth), 0, 1).astype(np.float32),
            "intrinsics": np.stack([shot.camera(width, height) for shot in shots]),
            "poses": np.stack([shot.pose for shot in shots]),
        }
        facts = {
            "frame_indices": list(frames),
            "metric_scale": 1.0,
            "gravity_source": "world_up",
            "scale_source": "measured",
            "engine": "sensor",
        }
        return memory_file(safetensors(arrays, facts))

    def segment(
        self,
        image: int | bytes,
        width: int,
        height: int,
        *,
        text: str | None = None,
        bounds: tuple[float, float, float, float] | None = None,
        points: Sequence[tuple[float, float, bool]] | None = None,
        score_threshold: float = 0.0,
    ) -> int:
        self.asked.append(("segment", image if isinstance(image, int) else "png", width, height, text, bounds, points))
        self._refuse()
        numbers = (
            self._look(self.shot(image), width, height)[1] if isinstance(image, int) else np.zeros((height, width))
        )
        found, note = self._found(numbers, text, bounds, points)
        masks = [numbers == number for number in found]
        ids = found if self.stable_ids else list(range(len(found)))[::-1]
        arrays = {
            "masks": np.stack(masks) if masks else np.zeros((0, height, width), np.bool_),
            "scores": np.linspace(0.9, 0.4, len(masks)).astype(np.float32),
            "ids": np.array(ids, np.int32),
        }
        facts = {"labels": [], "engine": "sensor" if self.stable_ids else "cpu", "presence": 1.0, "note": note}
        return memory_file(safetensors(arrays, facts))

    def _found(self, numbers: np.ndarray, text: Any, bounds: Any, points: Any) -> tuple[list[int], str]:
        if text is not None:
            named = [box.number for box in self.boxes if box.name == text and (numbers == box.number).any()]
            return named, "" if named else f"known names: {sorted({box.name for box in self.boxes})}"
        if bounds is not None:
            x0, y0, x1, y1 = (round(side) for side in bounds)
            inside = numbers[max(y0, 0) : y1 + 1, max(x0, 0) : x1 + 1]
        else:
            inside = np.array([numbers[round(y), round(x)] for x, y, positive in points if positive])
        counts = np.bincount(inside[inside > 0].astype(int), minlength=1)
        return ([int(counts.argmax())] if counts.any() else []), ""

    def ask_vision(self, kind: str, pictures: Sequence[tuple[bytes, int | None]], question: str) -> str:
        sizes = [Image.open(io.BytesIO(png)).size for png, _ in pictures]
        self.asked.append(("vision", kind, sizes, [index for _, index in pictures], question))
        self._refuse()
        return json.dumps(self.told)

    def show(self, png: bytes, label: str, frame_index: int | None = None) -> None:
        self.shown.append((png, label, frame_index))

    def submit_answer(self, text: str, number: float | None = None) -> None:
        self.answers.append((text, number))


@dataclass(frozen=True)
class Opening:
    """``_inputs.Opening`` of a room."""

    frames: list[Shot]
    max_long_edge: int = 768
    video: tuple[float, int, float] | None = None
    reconstruct_max_frames: int = 64
    seed: int = 7
