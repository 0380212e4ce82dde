"""Pictures in, refusals out."""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

# What one picture is worked on at: more costs time and shows these models nothing.
MAX_PIXELS = 3_000_000


class Refusal(Exception):
    """Why there is no answer, for whoever asked."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def decode(blob: bytes, color: bool = True) -> Picture:
    """BGR or grey pixels, as stored (orientation tags were applied long ago), shrunk to what is worked on."""
    flags = (cv2.IMREAD_COLOR if color else cv2.IMREAD_GRAYSCALE) | cv2.IMREAD_IGNORE_ORIENTATION
    picture = cv2.imdecode(np.frombuffer(blob, np.uint8), flags)
    if picture is None:
        raise Refusal("invalid", "the picture cannot be decoded: send PNG or JPEG")
    height, width = picture.shape[:2]
    if height * width > MAX_PIXELS:
        scale = (MAX_PIXELS / (height * width)) ** 0.5
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(picture, dtype=np.uint8)
