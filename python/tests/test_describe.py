"""What a model is told about the names in a cell."""

from __future__ import annotations

from pathlib import Path

from conftest import Notebook

import spatialclaw
from spatialclaw import describe
from spatialclaw.tools import CLASSES


def test_the_committed_text_is_up_to_date() -> None:
    committed = Path(spatialclaw.__file__).with_name("tools.md").read_text()
    assert committed == describe.text(), "run `python -m spatialclaw.describe > spatialclaw/tools.md` in python/"


def test_every_public_method_is_described(notebook: Notebook) -> None:
    told = describe.text()
    for kind in CLASSES:
        tool = notebook.names[kind.__name__]
        for name in dir(tool):
            if not name.startswith("_") and name not in describe._SILENT and callable(getattr(tool, name)):
                assert f"`{kind.__name__}.{name}(" in told, name
    for name in ("render_bev", "get_mask", "get_masked_points", "get_centroid_3d", "visualize"):
        assert f"`.{name}(" in told


def test_the_text_promises_nothing_that_is_not_bound(notebook: Notebook) -> None:
    told = describe.text()
    assert "RefImages" not in told
    for name in ("InputImages", "Metadata", "show", "vlm", "ReturnAnswer", "tools", "feedback"):
        assert name in told and name in notebook.names
