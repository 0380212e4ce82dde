"""Instances followed from frame to frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Two masks of neighbouring frames that overlap less are two things.
_SAME_IOU = 0.3


@dataclass(frozen=True)
class Seen:
    """What was found in one frame for one prompt: masks (K,H,W), scores (K,), ids (K)."""

    masks: NDArray[np.bool_]
    scores: NDArray[np.float32]
    ids: list[int]
    # Whether an id means the same thing in every frame.
    stable: bool
    # Why nothing was found, in the engine's words.
    note: str


class Tracks:
    """The instances of one prompt over several frames, in the order in which they were first seen."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.stable = True
        self.note = ""
        self._masks: list[dict[int, NDArray[np.bool_]]] = []
        self._last: list[NDArray[np.bool_]] = []

    @property
    def count(self) -> int:
        """How many instances there are."""
        return len(self._masks)

    def add(self, frame: int, seen: Seen) -> None:
        """Continue with what was seen in the next frame."""
        self.note = self.note or seen.note
        if len(seen.masks):
            self.stable = self.stable and seen.stable
        places = self._by_identity(seen) if seen.stable else self._by_overlap(seen)
        for place, mask, number in zip(places, seen.masks, seen.ids, strict=True):
            if place is None:
                place = len(self._masks)
                self._masks.append({})
                self._last.append(mask)
                self.ids.append(number if seen.stable else place)
            self._masks[place][frame] = mask
            self._last[place] = mask

    def _by_identity(self, seen: Seen) -> list[int | None]:
        known = {number: place for place, number in enumerate(self.ids)}
        return [known.get(number) for number in seen.ids]

    def _by_overlap(self, seen: Seen) -> list[int | None]:
        """Best overlapping pairs first; each instance and each mask is used once."""
        pairs = sorted(
            (
                (_iou(mask, last), at, place)
                for at, mask in enumerate(seen.masks)
                for place, last in enumerate(self._last)
                if mask.shape == last.shape
            ),
            key=lambda pair: -pair[0],
        )
        places: list[int | None] = [None] * len(seen.masks)
        taken: set[int] = set()
        for overlap, at, place in pairs:
            if overlap >= _SAME_IOU and places[at] is None and place not in taken:
                places[at] = place
                taken.add(place)
        return places

    def fill(self, out: NDArray[np.bool_], frames: Sequence[int]) -> None:
        """Write masks into ``out`` (T,count,H,W), upper left."""
        for place, masks in enumerate(self._masks):
            for at, frame in enumerate(frames):
                if frame in masks:
                    mask = masks[frame]
                    out[at, place, : mask.shape[0], : mask.shape[1]] = mask


def stack(tracks: Sequence[Tracks], frames: Sequence[int], sizes: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """All masks as (T,N_obj,H,W), padded right and below; a prompt without instances keeps one empty channel."""
    widths = [max(track.count, 1) for track in tracks]
    height, width = max(size[0] for size in sizes), max(size[1] for size in sizes)
    out = np.zeros((len(frames), sum(widths), height, width), np.bool_)
    first = 0
    for track, channels in zip(tracks, widths, strict=True):
        track.fill(out[:, first : first + channels], frames)
        first += channels
    return out


def _iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 0.0
