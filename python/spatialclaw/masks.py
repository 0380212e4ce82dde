"""Masks of objects, one set per frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import _geometry, _overlay
from .frames import PerFrame, crop
from .images import VisualFeedback, shortened, to_pil

if TYPE_CHECKING:
    from .reconstruction import Reconstruction


class PerFrameMask(PerFrame):
    """Masks of objects in one or more frames.

    ``masks`` (N,N_obj,H,W) bool, ``labels`` list[str], ``object_ids`` list[int], ``num_objects``, ``frame_indices``,
    ``scores`` (N,N_obj) of image methods, else None.
    ``obj[fi]`` -> (N_obj,H,W) bool. Objects are addressed by their position 0..num_objects-1 or by their label.
    """

    _usage = (
        "obj.get_mask(fi, object) -> (H,W) bool; object = position 0..num_objects-1 or a label",
        "obj.get_masked_points(recon, fi, object) -> (K,3);  obj.get_centroid_3d(recon, fi, object) -> (3,)",
        "show(obj.visualize(fi)) to look at it",
    )

    def __init__(
        self,
        masks: NDArray[np.bool_],
        labels: Sequence[str],
        frame_indices: Sequence[int],
        object_ids: Sequence[int] | None = None,
        *,
        backgrounds: Mapping[int, Any] | None = None,
        sizes: Sequence[tuple[int, int]] | None = None,
        scores: NDArray[np.float32] | None = None,
    ) -> None:
        super().__init__(frame_indices, sizes)
        self.masks = np.asarray(masks, dtype=np.bool_)
        expected = (len(self.frame_indices), len(labels))
        if self.masks.ndim != 4 or self.masks.shape[:2] != expected:
            raise ValueError(
                f"masks must have shape (N, N_obj, H, W) = ({expected[0]}, {expected[1]}, H, W) for {expected[0]}"
                f" frames and {expected[1]} labels, not {self.masks.shape}"
            )
        self.labels = [str(label) for label in labels]
        self.object_ids = [int(number) for number in (object_ids if object_ids is not None else range(len(labels)))]
        self.scores = scores
        self._backgrounds = dict(backgrounds or {})

    @property
    def num_objects(self) -> int:
        """How many objects there are."""
        return len(self.labels)

    def __getitem__(self, frame_index: int) -> NDArray[np.bool_]:
        entry: NDArray[np.bool_] = self.masks[self.get_by_frame_index(frame_index)]
        return entry

    def get_mask(self, frame: int, object: int | str = 0) -> NDArray[np.bool_]:  # noqa: A002
        """(H,W) bool mask of one object. ``object``: position 0..num_objects-1 (IndexError) or label (KeyError)."""
        position = self._object(object)
        mask: NDArray[np.bool_] = self.masks[self.get_by_frame_index(frame), position]
        return mask

    def get_masked_points(
        self,
        recon: Reconstruction,
        frame: int,
        object: int | str = 0,  # noqa: A002
    ) -> NDArray[np.float32]:
        """(K,3) f32 world points under the mask; pixels without a reading are left out, so K may be 0."""
        return self._measured(recon, frame, object)[0]

    def get_centroid_3d(
        self,
        recon: Reconstruction,
        frame: int,
        object: int | str = 0,  # noqa: A002
        conf_threshold: float = 0.3,
    ) -> NDArray[np.float32]:
        """(3,) f32: component-wise median of the world points under the mask with confidence > ``conf_threshold``.

        Falls back to all points under the mask if none is that confident. No points at all: prints a warning and
        returns [nan, nan, nan].
        """
        points, confidence = self._measured(recon, frame, object)
        confident = points[confidence > conf_threshold]
        chosen = confident if len(confident) else points
        if not len(chosen):
            why = "has no measured points" if self.get_mask(frame, object).any() else "is empty"
            print(
                f"warning: the mask of object {object!r} in frame {int(frame)} {why}, so its centroid is"
                " [nan, nan, nan]; try another frame or segment again"
            )
            return np.full(3, np.nan, np.float32)
        return np.median(chosen, axis=0).astype(np.float32)

    def _measured(
        self, recon: Reconstruction, frame: int, which: int | str
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Points under the mask that were measured, and their confidence."""
        own, theirs = self.size_of(frame), _reconstruction(recon).size_of(frame)
        mask = self.get_mask(frame, which)
        if own != theirs:
            raise ValueError(
                f"the masks are {own[0]}x{own[1]} (HxW) and the reconstruction of frame {int(frame)} is"
                f" {theirs[0]}x{theirs[1]}: segment the frame itself, an element of InputImages, not a resized copy"
            )
        points = crop(recon.points[frame], own)
        confidence = crop(recon.confidence[recon.get_by_frame_index(frame)], own)
        return _geometry.engine.pick(points, confidence, crop(mask, own), -np.inf, 0)

    def visualize(self, frame_idx: int | None = None, background: Any = None, **alias: Any) -> VisualFeedback:
        """Picture of one frame with each object filled, outlined and named, as ``VisualFeedback``.

        ``frame_idx`` (or ``frame=``): absolute frame index. ``background``: another picture to draw on.
        """
        frame = _frame_argument(frame_idx, alias)
        height, width = self.size_of(frame)
        shown = _overlay.draw(
            self._background(frame, background, (width, height)),
            crop_all(self[frame], (height, width)),
            [f"{number}: {label}" for number, label in zip(self.object_ids, self.labels, strict=True)],
        )
        what = f"masks of {shortened(self.labels)} in frame {frame}"
        return VisualFeedback(shown, "PerFrameMask.visualize", what, frame_index=frame)

    def _background(self, frame: int, given: Any, size: tuple[int, int]) -> Image.Image:
        picture = given if given is not None else self._backgrounds.get(frame)
        if picture is None:
            return Image.new("RGB", size, (128, 128, 128))
        image = to_pil(picture, "background")
        return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)

    def _object(self, which: int | str) -> int:
        if isinstance(which, str):
            if which not in self.labels:
                raise KeyError(f"no object is labelled {which!r}; labels are {shortened(self.labels, 20)}")
            return self.labels.index(which)
        if isinstance(which, (bool, np.bool_)) or not isinstance(which, (int, np.integer)):
            raise TypeError(
                f"object must be a position 0..{self.num_objects - 1} or a label, not {type(which).__name__}"
            )
        if not 0 <= which < self.num_objects:
            raise IndexError(
                f"object {int(which)} is outside 0..{self.num_objects - 1}; labels are {shortened(self.labels, 20)}"
            )
        return int(which)

    def _array_size(self) -> tuple[int, int]:
        return self.masks.shape[2], self.masks.shape[3]

    def _facts(self) -> str:
        return f"shape={self.masks.shape}, labels={shortened(self.labels)}, "


def crop_all(masks: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """(K,H,W) masks without the padding of a frame of ``size`` = (height, width)."""
    return masks[:, : size[0], : size[1]]


def _frame_argument(frame_idx: int | None, alias: dict[str, Any]) -> int:
    unknown = sorted(set(alias) - {"frame"})
    if unknown:
        raise TypeError(f"visualize() does not know {unknown}; it takes frame_idx (or frame) and background")
    chosen = alias.get("frame") if frame_idx is None else frame_idx
    if chosen is None:
        raise TypeError("visualize() needs an absolute frame index, e.g. seg.visualize(seg.frame_indices[0])")
    return chosen


def _reconstruction(value: Any) -> Reconstruction:
    from .reconstruction import Reconstruction

    if not isinstance(value, Reconstruction):
        raise TypeError(f"recon must be what Reconstruct.Reconstruct(frames) returned, not {type(value).__name__}")
    return value
