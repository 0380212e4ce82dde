"""The objects a cell calls. Their docstrings are what a model is told about them (see ``describe``)."""

from __future__ import annotations

from typing import Any

from .._inputs import Inputs
from .draw import Draw
from .geometry import Geometry
from .graph import Graph
from .mask import Mask
from .reconstruct import Reconstruct
from .sam3 import SAM3
from .time import Time

# In the order in which they are described.
CLASSES: tuple[type, ...] = (Reconstruct, SAM3, Geometry, Mask, Time, Graph, Draw)


def toolbox(inputs: Inputs) -> dict[str, Any]:
    """The session's tools by name."""
    segment = SAM3(inputs)
    return {
        "Reconstruct": Reconstruct(inputs, segment),
        "SAM3": segment,
        "Geometry": Geometry(),
        "Mask": Mask(),
        "Time": Time(inputs.metadata),
        "Graph": Graph(),
        "Draw": Draw(),
    }
