"""Pictures: input frames that load when looked at, and pictures that tools draw."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable
from typing import Any, SupportsIndex, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps


class FrameImage:
    """One input frame.

    ``frame_index`` is its absolute index, the one every tool speaks. ``image`` is the PIL RGB picture, loaded on
    first use; every other attribute is the picture's own, so ``frame.size``, ``frame.crop(box)`` and
    ``np.array(frame)`` (H, W, 3, uint8) just work.
    """

    __slots__ = ("_image", "_load", "_size", "frame_index")

    frame_index: int

    def __init__(self, frame_index: int, size: tuple[int, int], load: Callable[[], Image.Image]) -> None:
        self.frame_index = int(frame_index)
        self._size = size
        self._load = load
        self._image: Image.Image | None = None

    @property
    def image(self) -> Image.Image:
        """The picture, PIL RGB."""
        if self._image is None:
            self._image = self._load()
        return self._image

    @property
    def is_loaded(self) -> bool:
        """Whether the picture has been loaded."""
        return self._image is not None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels; does not load the picture."""
        return self._size

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self._size[0]

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self._size[1]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.image, dtype=dtype)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__array_interface__":
            raise AttributeError(f"FrameImage has no attribute {name!r}")
        return getattr(self.image, name)

    def __repr__(self) -> str:
        loaded = "loaded" if self.is_loaded else "not loaded yet"
        return f"FrameImage(frame_index={self.frame_index}, size={self._size}, {loaded})"


class InputImages(list[FrameImage]):
    """The input frames in order. ``InputImages[i]`` goes by list position, everything else by absolute index."""

    @property
    def frame_indices(self) -> list[int]:
        """Absolute index of each frame."""
        return [frame.frame_index for frame in self]

    @overload
    def __getitem__(self, key: SupportsIndex) -> FrameImage: ...
    @overload
    def __getitem__(self, key: slice) -> InputImages: ...
    def __getitem__(self, key: SupportsIndex | slice) -> FrameImage | InputImages:
        if isinstance(key, slice):
            return InputImages(super().__getitem__(key))
        try:
            return super().__getitem__(key)
        except IndexError:
            raise IndexError(
                f"InputImages[{key}]: there are {len(self)} images, so positions go from 0 to {len(self) - 1}"
                f" (their absolute frame indices are {shortened(self.frame_indices)})"
            ) from None

    def __repr__(self) -> str:
        return f"InputImages({len(self)} images, frame_indices={shortened(self.frame_indices)})"


class VisualFeedback:
    """A picture drawn by a tool for ``show``: ``.image`` (PIL), ``.source``, ``.description``, ``.frame_index``."""

    def __init__(self, image: Image.Image, source: str, description: str, frame_index: int | None = None) -> None:
        if not isinstance(image, Image.Image):
            raise TypeError(f"VisualFeedback needs a PIL image, not {type(image).__name__}: use Image.fromarray(array)")
        self.image = image
        self.source = source
        self.description = description
        self.frame_index = frame_index

    def __repr__(self) -> str:
        return f"VisualFeedback({self.source}: {self.description})"


def scaled_size(width: int, height: int, long_edge: int) -> tuple[int, int]:
    """The size an input frame has in the kernel: scaled down to ``long_edge``, never up, never cropped."""
    scale = min(1.0, long_edge / max(width, height, 1))
    return max(1, round(width * scale)), max(1, round(height * scale))


def decode(encoded: Any, size: tuple[int, int]) -> Image.Image:
    """An encoded picture as RGB, upright, at ``size`` = (width, height)."""
    with warnings.catch_warnings():
        # Input frames were admitted before they came here.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        picture = Image.open(io.BytesIO(encoded))
        upright = ImageOps.exif_transpose(picture) or picture
        if upright.mode.startswith("I;16") or upright.mode == "I":
            upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        rgb = upright.convert("RGB")
    return rgb if rgb.size == size else rgb.resize(size, Image.Resampling.LANCZOS)


def to_pil(value: Any, what: str) -> Image.Image:
    """``value`` as a PIL RGB picture; TypeError or ValueError naming ``what`` otherwise."""
    if isinstance(value, (FrameImage, VisualFeedback)):
        return value.image
    if isinstance(value, Image.Image):
        return value if value.mode == "RGB" else value.convert("RGB")
    if isinstance(value, np.ndarray):
        return _from_array(value, what)
    raise TypeError(
        f"{what} must be a FrameImage, a PIL image, a VisualFeedback or a uint8 array, not {type(value).__name__}"
    )


def _from_array(array: NDArray[Any], what: str) -> Image.Image:
    if array.dtype != np.uint8:
        raise TypeError(
            f"{what} is an array of {array.dtype}; pictures are uint8:"
            " scale to 0..255 and use .astype(np.uint8), for a mask (mask * 255).astype(np.uint8)"
        )
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)) or 0 in array.shape:
        raise ValueError(f"{what} has shape {array.shape}; a picture is (H, W), (H, W, 3) or (H, W, 4)")
    squeezed = array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
    return Image.fromarray(np.ascontiguousarray(squeezed)).convert("RGB")


def frame_index_of(value: Any) -> int | None:
    """The absolute frame index that ``value`` carries, if any."""
    return value.frame_index if isinstance(value, (FrameImage, VisualFeedback)) else None


def shortened(values: Iterable[Any], limit: int = 6) -> str:
    """A list in words: first two … last two when it is longer than ``limit``."""
    items = [str(value) for value in values]
    if len(items) > limit:
        items = [*items[:2], "…", *items[-2:]]
    return f"[{', '.join(items)}]"
