"""Plots of one quantity over time."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from ..images import VisualFeedback


class Graph:
    """Line plots."""

    @staticmethod
    def plot(
        values: Any, validity: Any = None, x_label: str = "Frame", y_label: str = "Value", title: str | None = None
    ) -> VisualFeedback:
        """Plot a 1-D sequence -> VisualFeedback (1000x400); its description says min, max, mean, first, last and trend.

        ``validity``: False where a value is a gap; non-finite values are gaps too.
        """
        numbers, valid = _checked(values, validity)
        kept = numbers[valid]
        description = f"{y_label} over {x_label}: {_statistics(kept, len(numbers))}"
        picture = _drawn(np.where(valid, numbers, np.nan), x_label, y_label, title)
        return VisualFeedback(picture, "Graph.plot", description)

    def __repr__(self) -> str:
        return "tools.Graph: plot(values)"


def _checked(values: Any, validity: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or not numbers.size:
        raise ValueError(f"values must be a non-empty 1-D sequence of numbers, not of shape {numbers.shape}")
    valid = np.isfinite(numbers)
    if validity is not None:
        flags = np.asarray(validity, dtype=np.bool_)
        if flags.shape != numbers.shape:
            raise ValueError(
                f"validity must have one entry for each of the {len(numbers)} values, not shape {flags.shape}"
            )
        valid &= flags
    return numbers, valid


def _statistics(kept: NDArray[np.float64], total: int) -> str:
    if not len(kept):
        return f"no valid value among {total}"
    span, step = float(np.ptp(kept)), float(kept[-1] - kept[0])
    trend = "stable" if abs(step) <= 0.01 * span else "increasing" if step > 0 else "decreasing"
    return (
        f"min={kept.min():.4f}, max={kept.max():.4f}, mean={kept.mean():.4f}, first={kept[0]:.4f},"
        f" last={kept[-1]:.4f}, trend={trend}, {len(kept)} of {total} values valid"
    )


def _drawn(numbers: NDArray[np.float64], x_label: str, y_label: str, title: str | None) -> Image.Image:
    figure = Figure(figsize=(10, 4), dpi=100, layout="tight")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(np.arange(len(numbers)), numbers, "-o", markersize=3)
    # A label is text, not mathematics: a "$" in it must not be parsed.
    axes.set_xlabel(str(x_label), parse_math=False)
    axes.set_ylabel(str(y_label), parse_math=False)
    axes.set_title(str(title or f"{y_label} over {x_label}"), parse_math=False)
    axes.grid(alpha=0.3)
    canvas.draw()  # type: ignore[no-untyped-call]
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")  # type: ignore[no-untyped-call]
