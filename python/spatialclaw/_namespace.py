"""The names that a cell finds, and the modules that it can import them from."""

from __future__ import annotations

import collections
import functools
import itertools
import math
import sys
from types import ModuleType
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import scipy
from matplotlib.figure import Figure
from scipy import ndimage, optimize, signal, spatial

from ._inputs import Inputs
from .answer import ReturnAnswer
from .feedback import Feedback
from .tools import toolbox
from .vlm import Vlm

_LIBRARIES: dict[str, Any] = {
    "np": np,
    "math": math,
    "collections": collections,
    "itertools": itertools,
    "functools": functools,
    "matplotlib": matplotlib,
    "plt": plt,
    "scipy": scipy,
    "ndimage": ndimage,
    "spatial": spatial,
    "signal": signal,
    "optimize": optimize,
}


def build(inputs: Inputs) -> dict[str, Any]:
    """Register the session's modules in this process and return the names to bind."""
    feedback = Feedback(inputs.bridge)
    tools = toolbox(inputs)
    vlm = Vlm(inputs.bridge)
    for name, tool in tools.items():
        _module(f"tools.{name}", {key: getattr(tool, key) for key in dir(tool) if not key.startswith("_")})
    _intercept_matplotlib(feedback)
    return {
        **_LIBRARIES,
        **tools,
        "InputImages": inputs.images,
        "Metadata": inputs.metadata,
        "tools": _module("tools", tools),
        "feedback": _module("feedback", {"show": feedback.show, "log_visual": feedback.log_visual}),
        "show": feedback.show,
        "vlm": _module("vlm", {"locate": vlm.locate, "ask_with_thinking": vlm.ask_with_thinking}),
        "ReturnAnswer": ReturnAnswer(inputs.bridge),
    }


def _intercept_matplotlib(feedback: Feedback) -> None:
    """Make ``plt.show()`` and ``figure.show()`` show figures to the model."""

    # Plain functions, since pyplot writes a signature on its `show` when it switches backends.
    def show(*_args: Any, **_kwargs: Any) -> None:
        feedback.show_figures()

    def show_figure(figure: Figure, *_args: Any, **_kwargs: Any) -> None:
        feedback.show_figure(figure)

    plt.show = show
    Figure.show = show_figure  # type: ignore[method-assign, assignment]


def _module(name: str, attributes: dict[str, Any]) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(attributes)
    sys.modules[name] = module
    return module
