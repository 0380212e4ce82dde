"""Argument checks whose messages tell a model what it did and what to do instead."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray


def number(value: Any, what: str) -> float:
    """``value`` as a finite float."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{what} must be a number, not {type(value).__name__} ({value!r:.80})")
    if not np.isfinite(float(value)):
        raise ValueError(f"{what} is {value}; a finite number is needed")
    return float(value)


def words(value: Any, what: str) -> str:
    """``value`` as non-empty text without surrounding blanks."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a str, not {type(value).__name__} ({value!r:.80})")
    if not value.strip():
        raise ValueError(f"{what} is {value!r}; say in a few words what to look for, e.g. 'red mug'")
    return value.strip()


def vector(value: Any, what: str, length: int = 3) -> NDArray[np.float64]:
    """``value`` as a float array of ``length`` numbers."""
    array = np.asarray(value, dtype=np.float64)
    if array.shape != (length,):
        hint = " (index one row first, e.g. points[0])" if array.ndim > 1 else ""
        raise ValueError(f"{what} must have shape ({length},), not {array.shape}{hint}")
    return array


def plane(value: Any, what: str) -> NDArray[Any]:
    """``value`` as a 2-D array, the shape of one mask."""
    if not isinstance(value, np.ndarray):
        raise TypeError(
            f"{what} must be a 2-D numpy array, not {type(value).__name__}: use seg.get_mask(frame, object)"
        )
    if value.ndim != 2:
        raise ValueError(f"{what} must be 2-D (H, W), not {value.shape}: take one mask, e.g. seg.get_mask(frame, 0)")
    return value
