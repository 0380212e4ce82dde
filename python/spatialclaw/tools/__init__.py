"""The objects a cell calls."""

from __future__ import annotations

from typing import Any

from .._inputs import Inputs


def toolbox(inputs: Inputs) -> dict[str, Any]:
    """The session's tools by name, in the order in which they are described."""
    return {}
