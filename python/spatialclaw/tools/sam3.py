"""Masks of things named, pointed at or boxed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .._checks import number, words
from .._inputs import Inputs
from .._tensors import Tensors
from .._tracks import Seen, Tracks, stack
from ..feedback import png
from ..images import FrameImage, VisualFeedback, shortened, to_pil
from ..masks import PerFrameMask

_NOT_HERE = (
    "needs a video tracker, which this deployment does not have; use segment_video_by_text(prompts), or per frame"
    " segment_image_by_text, segment_image_by_points or segment_image_by_box"
)


@dataclass(frozen=True)
class _Target:
    """What is looked at: an input frame (by index) or a picture of the cell's own (as PNG)."""

    image: int | bytes
    size: tuple[int, int]
    index: int
    picture: FrameImage | Image.Image

    def __str__(self) -> str:
        return (
            f"frame {self.index}" if isinstance(self.image, int) else f"the given {self.size[0]}x{self.size[1]} picture"
        )


class SAM3:
    """Masks of objects. Pixel coordinates are x (right), y (down) of the given picture, in pixels, not 0..1000.

    Every method returns a ``PerFrameMask`` that holds at least one non-empty mask, or raises RuntimeError saying why
    nothing was found and what to try. ``image``: an element of InputImages (preferred) or any PIL picture.
    Look at what was found before using it: ``show(seg.visualize(fi))``.
    """

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def segment_image_by_text(
        self, image: Any, prompt: str, label: str | None = None, confidence_threshold: float = 0.3
    ) -> PerFrameMask:
        """Every instance of a thing named by a short noun phrase -> masks (1,N_obj,H,W).

        One instance is labelled ``label`` (default: the prompt), several ``label_0``, ``label_1``, ….
        Instances scoring below ``confidence_threshold`` (0..1) are left out.
        """
        target, prompt = self._target(image), words(prompt, "prompt")
        threshold = _threshold(confidence_threshold)
        seen = _seen(self._ask(target, text=prompt, score_threshold=threshold), threshold)
        if not len(seen.masks):
            raise RuntimeError(
                f"nothing called {prompt!r} was found in {target} with a score of at least {threshold:g}."
                f" {_sentence(seen.note)}Try another frame, a simpler or more common word, a lower"
                " confidence_threshold, or segment_image_by_box"
            )
        labels = numbered(words(label, "label") if label is not None else prompt, len(seen.masks))
        return _one_frame(target, seen.masks, labels, seen.ids, seen.scores)

    def segment_image_by_points(
        self, image: Any, points: Any, point_labels: Any, label: str = "object"
    ) -> PerFrameMask:
        """The one object at points [[x, y], …] -> masks (1,1,H,W). ``point_labels``: 1 on the object, 0 beside it."""
        target = self._target(image)
        prompt = _points(points, point_labels, target.size)
        return self._single(target, label, f"points {shortened(prompt)}", points=prompt)

    def segment_image_by_box(self, image: Any, box: Any, label: str = "object") -> PerFrameMask:
        """The one object inside ``box`` = [x1, y1, x2, y2] -> masks (1,1,H,W)."""
        target = self._target(image)
        bounds = _box(box, target.size)
        return self._single(target, label, f"box {[round(side, 1) for side in bounds]}", bounds=bounds)

    def segment_video_by_text(
        self,
        prompts: str | Sequence[str],
        labels: str | Sequence[str] | None = None,
        prompt_frame_idx: int = 0,
        frame_indices: Sequence[int] | None = None,
        start_frame: int | None = None,
        end_frame: int | None = None,
        video_index: int = 1,
        confidence_threshold: float = 0.3,
    ) -> PerFrameMask:
        """Every instance of each named thing over several input frames -> masks (T,N_obj,H,W).

        Runs on InputImages: all of them, those in ``frame_indices`` (absolute), or those with
        ``start_frame`` <= index < ``end_frame``. Each frame is segmented on its own; an instance keeps its channel
        from frame to frame by its identity where the engine knows it, else by overlap. It has an empty mask in a
        frame where it was not seen. Labels: one instance -> its prompt's label, several -> ``label_0``, ….
        A prompt found nowhere keeps an empty channel (a warning is printed); none found at all: RuntimeError.
        One call per frame and prompt: choose few frames. ``prompt_frame_idx`` and ``video_index`` change nothing here.
        """
        wanted, names = _prompts(prompts, labels)
        frames = self._window(frame_indices, start_frame, end_frame)
        threshold = _threshold(confidence_threshold)
        tracks = []
        for prompt in wanted:
            track = Tracks()
            for frame in frames:
                tensors = self._ask(self._target(frame), text=prompt, score_threshold=threshold)
                track.add(frame.frame_index, _seen(tensors, threshold))
            tracks.append(track)
        if not any(track.count for track in tracks):
            raise RuntimeError(
                f"none of {shortened(wanted)} was found in frames"
                f" {shortened([frame.frame_index for frame in frames])}. {_sentence(tracks[0].note)}"
                "Try other frames, simpler or more common words, or a lower confidence_threshold"
            )
        return _over_frames(frames, tracks, names)

    def segment_video_by_points(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Not available here: RuntimeError. Use segment_image_by_points on single frames."""
        raise RuntimeError(f"SAM3.segment_video_by_points {_NOT_HERE}")

    def segment_video_by_box(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Not available here: RuntimeError. Use segment_image_by_box on single frames."""
        raise RuntimeError(f"SAM3.segment_video_by_box {_NOT_HERE}")

    def is_object_exist(self, images: Any, object_name: str, confidence_threshold: float = 0.3) -> dict[str, Any]:
        """Whether a named thing is in each picture -> {"exists": [bool], "counts": [int], "summary": str}."""
        name, threshold = words(object_name, "object_name"), _threshold(confidence_threshold)
        single = isinstance(images, (FrameImage, VisualFeedback, Image.Image, np.ndarray))
        targets = [self._target(image) for image in ([images] if single else images)]
        if not targets:
            raise ValueError("images is empty; pass at least one picture, e.g. InputImages[0]")
        seen = [_seen(self._ask(target, text=name, score_threshold=threshold), threshold) for target in targets]
        counts = [len(one.masks) for one in seen]
        listed = ", ".join(f"{target}: {count}" for target, count in zip(targets, counts, strict=True))
        present = sum(count > 0 for count in counts)
        note = next((one.note for one in seen if one.note and not len(one.masks)), "")
        summary = f"{name!r} is in {present} of {len(counts)} pictures ({listed}). {note}".strip()
        return {"exists": [count > 0 for count in counts], "counts": counts, "summary": summary}

    def segment_image(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Use segment_image_by_text, segment_image_by_points or segment_image_by_box."""
        raise RuntimeError(
            "SAM3.segment_image does not exist; use segment_image_by_text(image, prompt),"
            " segment_image_by_points(image, points, point_labels) or segment_image_by_box(image, box)"
        )

    def segment_video(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Use segment_video_by_text."""
        raise RuntimeError("SAM3.segment_video does not exist; use segment_video_by_text(prompts)")

    def _target(self, image: Any) -> _Target:
        frame = self._inputs.frame_of(image)
        if frame is not None:
            return _Target(frame.frame_index, frame.size, frame.frame_index, frame)
        picture = to_pil(image, "image")
        return _Target(png(picture), picture.size, getattr(image, "frame_index", None) or 0, picture)

    def _ask(self, target: _Target, **prompt: Any) -> Tensors:
        return self._inputs.bridge.segment(target.image, target.size, **prompt)

    def _single(self, target: _Target, label: str, what: str, **prompt: Any) -> PerFrameMask:
        seen = _seen(self._ask(target, **prompt), 0.0)
        if not len(seen.masks):
            raise RuntimeError(
                f"no object was found for {what} in {target}. {_sentence(seen.note)}"
                "Try a tighter box, points well inside the object, or segment_image_by_text"
            )
        best = int(np.argmax(seen.scores))
        chosen = slice(best, best + 1)
        return _one_frame(target, seen.masks[chosen], [words(label, "label")], seen.ids[chosen], seen.scores[chosen])

    def _window(self, indices: Sequence[int] | None, start: int | None, end: int | None) -> list[FrameImage]:
        everything = self._inputs.images
        if indices is not None:
            found = {int(index): self._inputs.frame(int(index)) for index in indices}
            missing = [index for index, frame in found.items() if frame is None]
            if missing or not found:
                raise ValueError(
                    f"frame_indices {shortened(missing)} are no input frames; choose among"
                    f" {shortened(everything.frame_indices, 12)}"
                )
            return [frame for frame in found.values() if frame is not None]
        first = 0 if start is None else start
        frames = [
            frame for frame in everything if frame.frame_index >= first and (end is None or frame.frame_index < end)
        ]
        if not frames:
            raise ValueError(
                f"no input frame lies in start_frame={start} (inclusive) to end_frame={end} (exclusive); the input"
                f" frames are {shortened(everything.frame_indices, 12)}"
            )
        return frames

    def __repr__(self) -> str:
        return "tools.SAM3: segment_image_by_text(image, prompt), segment_image_by_box(image, box), …"


def numbered(label: str, count: int) -> list[str]:
    """``[label]`` for one instance, ``label_0 …`` for several."""
    return [label] if count == 1 else [f"{label}_{at}" for at in range(count)]


def _seen(tensors: Tensors, threshold: float) -> Seen:
    """The non-empty instances of an answer that score at least ``threshold``."""
    masks = tensors.array("masks")
    scores = tensors.array("scores").astype(np.float32, copy=False)
    ids = tensors.array("ids")
    # Scores travel as f32, so 0.3 may come back a little smaller than it left.
    kept = (scores >= threshold - 1e-6) & masks.any(axis=(1, 2)) if len(masks) else np.zeros(0, np.bool_)
    facts = tensors.metadata
    stable = bool(facts.get("stable_ids", facts.get("engine") == "sensor"))
    return Seen(masks[kept], scores[kept], [int(one) for one in ids[kept]], stable, str(facts.get("note", "")))


def _one_frame(
    target: _Target, masks: NDArray[np.bool_], labels: list[str], ids: list[int], scores: NDArray[np.float32]
) -> PerFrameMask:
    return PerFrameMask(
        masks[None], labels, [target.index], ids, backgrounds={target.index: target.picture}, scores=scores[None]
    )


def _over_frames(frames: list[FrameImage], tracks: list[Tracks], names: list[str]) -> PerFrameMask:
    sizes = [(frame.height, frame.width) for frame in frames]
    labels = [label for track, name in zip(tracks, names, strict=True) for label in numbered(name, max(track.count, 1))]
    for track, name in zip(tracks, names, strict=True):
        if not track.count:
            print(f"warning: {name!r} was found in none of the frames; its mask is empty. {track.note}".strip())
        elif not track.stable and len(frames) > 1:
            print(f"note: instances of {name!r} were matched from frame to frame by overlap; check with visualize")
    indices = [frame.frame_index for frame in frames]
    ids = [number for track in tracks for number in track.ids]
    return PerFrameMask(
        stack(tracks, indices, sizes),
        labels,
        indices,
        ids if len(set(ids)) == len(labels) else None,
        backgrounds=dict(zip(indices, frames, strict=True)),
        sizes=sizes,
    )


def _threshold(value: Any) -> float:
    threshold = number(value, "confidence_threshold")
    if not 0 <= threshold <= 1:
        raise ValueError(f"confidence_threshold is {threshold:g}; it lies between 0 and 1, e.g. 0.3")
    return threshold


def _prompts(prompts: Any, labels: Any) -> tuple[list[str], list[str]]:
    listed = [prompts] if isinstance(prompts, str) else list(prompts)
    wanted = [words(prompt, f"prompts[{at}]") for at, prompt in enumerate(listed)]
    if not wanted:
        raise ValueError("prompts is empty; name at least one thing, e.g. ['chair', 'table']")
    if labels is None:
        return wanted, list(wanted)
    names = [labels] if isinstance(labels, str) else [words(label, f"labels[{at}]") for at, label in enumerate(labels)]
    if len(names) != len(wanted):
        raise ValueError(f"{len(wanted)} prompts but {len(names)} labels; give one label for each prompt, or none")
    return wanted, names


def _points(points: Any, labels: Any, size: tuple[int, int]) -> list[tuple[float, float, bool]]:
    array = np.asarray(points, dtype=np.float64)
    if array.size == 0:
        raise ValueError("points is empty; give at least one [x, y] on the object")
    if array.shape == (2,):
        print(f"note: points {array.tolist()} was taken as one point [[x, y]]")
        array = array[None]
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"points must be [[x, y], …], not an array of shape {array.shape}")
    flags = np.atleast_1d(np.asarray(labels)).ravel()
    if len(flags) != len(array):
        raise ValueError(f"{len(array)} points but {len(flags)} point_labels; give one 1 (on it) or 0 (beside it) each")
    if not np.isin(flags, (0, 1)).all():
        raise ValueError(f"point_labels is {flags.tolist()}; each is 1 (on the object) or 0 (beside it)")
    if not (flags == 1).any():
        raise ValueError("point_labels holds no 1; at least one point must lie on the object")
    for x, y in array:
        if not (-0.5 <= x <= size[0] - 0.5 and -0.5 <= y <= size[1] - 0.5):
            raise ValueError(
                f"point [{x:g}, {y:g}] lies outside the {size[0]}x{size[1]} (WxH) picture; give [x, y] pixels"
            )
    return [(float(x), float(y), bool(flag)) for (x, y), flag in zip(array, flags, strict=True)]


def _box(box: Any, size: tuple[int, int]) -> tuple[float, float, float, float]:
    array = np.asarray(box, dtype=np.float64)
    if array.shape == (1, 4):
        print(f"note: box {array.tolist()} was taken as one box [x1, y1, x2, y2]")
        array = array[0]
    if array.shape != (4,):
        raise ValueError(f"box must be [x1, y1, x2, y2], not an array of shape {array.shape}")
    x1, y1, x2, y2 = (float(side) for side in array)
    width, height = size
    if not (x1 < x2 and y1 < y2):
        raise ValueError(f"box {array.tolist()} is empty; it must be [x1, y1, x2, y2] with x1 < x2 and y1 < y2")
    if x2 < 0 or y2 < 0 or x1 > width - 1 or y1 > height - 1:
        raise ValueError(f"box {array.tolist()} lies outside the {width}x{height} (WxH) picture; give pixels")
    return max(x1, -0.5), max(y1, -0.5), min(x2, width - 0.5), min(y2, height - 0.5)


def _sentence(note: str) -> str:
    note = note.strip()
    return f"{note if note.endswith(('.', '!', '?')) else note + '.'} " if note else ""
