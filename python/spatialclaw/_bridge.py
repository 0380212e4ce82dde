"""What the package asks of the world outside, and how answers become arrays."""

from __future__ import annotations

import json
import mmap
import threading
from collections.abc import Sequence
from typing import Protocol

from . import _tensors
from ._tensors import Tensors


class Host(Protocol):
    """The part of ``_host.Channel`` that tools use; tests bring their own.

    A returned ``int`` is a descriptor of a memory file, which the caller closes.
    """

    def fetch_frame(self, index: int) -> int: ...

    def reconstruct(self, frames: Sequence[int], width: int, height: int) -> int: ...

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
    ) -> int: ...

    def ask_vision(self, kind: str, pictures: Sequence[tuple[bytes, int | None]], question: str) -> str: ...

    def show(self, png: bytes, label: str, frame_index: int | None = None) -> None: ...

    def submit_answer(self, text: str, number: float | None = None) -> None: ...


class Bridge:
    """One host, used by one thread at a time however many a cell starts."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._turn = threading.Lock()

    def renew(self) -> None:
        """Forget a turn that an interrupted cell never gave back."""
        self._turn = threading.Lock()

    def frame(self, index: int) -> mmap.mmap:
        """The encoded image of one frame."""
        with self._turn:
            return _tensors.map_descriptor(self._host.fetch_frame(index))

    def reconstruct(self, frames: Sequence[int], width: int, height: int) -> Tensors:
        """Depth, confidence, intrinsics and poses of ``frames``, at ``width`` x ``height`` pixels."""
        with self._turn:
            return _tensors.view(_tensors.map_descriptor(self._host.reconstruct(frames, width, height)))

    def segment(
        self,
        image: int | bytes,
        size: tuple[int, int],
        *,
        text: str | None = None,
        bounds: tuple[float, float, float, float] | None = None,
        points: Sequence[tuple[float, float, bool]] | None = None,
        score_threshold: float = 0.0,
    ) -> Tensors:
        """Masks on a frame (by index) or a PNG, for exactly one prompt in pixels of ``size`` = (width, height)."""
        with self._turn:
            descriptor = self._host.segment(
                image, *size, text=text, bounds=bounds, points=points, score_threshold=score_threshold
            )
            return _tensors.view(_tensors.map_descriptor(descriptor))

    def ask_vision(self, kind: str, pictures: Sequence[tuple[bytes, int | None]], question: str) -> str:
        """The vision model's answer; ``kind`` is "locate" or "think", ``pictures`` are PNGs with their frame's index."""
        with self._turn:
            return str(json.loads(self._host.ask_vision(kind, pictures, question)))

    def show(self, png: bytes, label: str, frame_index: int | None) -> None:
        """Attach one picture to the next feedback."""
        with self._turn:
            self._host.show(png, label, frame_index)

    def submit_answer(self, text: str, number: float | None) -> None:
        """Submit the answer; the last one of a cell counts."""
        with self._turn:
            self._host.submit_answer(text, number)
