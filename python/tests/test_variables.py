"""Which variables a cell made or changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import Notebook
from PIL import Image

from spatialclaw._variables import Variables, summary


def test_new_changed_and_unchanged() -> None:
    variables, names = Variables({}), {"a": np.zeros(4), "b": [1, 2], "c": {"k": [1]}, "d": "x", "e": 1.5}
    new, changed = variables.report(names)
    assert [name for name, _ in new] == list("abcde") and changed == []
    assert variables.report(names) == ([], [])
    names["a"][2] = 1  # type: ignore[index]
    names["c"]["k"].append(2)  # type: ignore[index]
    names["d"] = "y"
    assert [name for name, _ in variables.report(names)[1]] == ["a", "c", "d"]


def test_what_is_no_variable() -> None:
    injected = {"np": np, "show": print, "images": [1]}
    variables = Variables(injected)
    names: dict[str, Any] = {**injected, "_private": 1, "helper": lambda: 1, "Class": int, "math": __import__("math")}
    assert variables.report(names) == ([], [])
    names["images"] = [2]
    assert [name for name, _ in variables.report(names)[0]] == ["images"], "a rebound name is the cell's own"


def test_changes_inside_large_arrays_of_the_same_shape_are_seen() -> None:
    variables, names = Variables({}), {"big": np.zeros((3000, 3000), np.float32)}
    variables.report(names)
    names["big"] += 1
    assert [name for name, _ in variables.report(names)[1]] == ["big"]


def test_a_deleted_name_is_forgotten() -> None:
    variables, names = Variables({}), {"a": 1}
    variables.report(names)
    del names["a"]
    assert variables.report(names) == ([], [])
    names["a"] = 1
    assert [name for name, _ in variables.report(names)[0]] == ["a"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((2, 3), np.float32), "ndarray, shape=(2, 3), dtype=float32"),
        (3, "int, value=3"),
        (np.float32(0.5), "float32, value=0.5"),
        ("x" * 100, "str, len=100, value='" + "x" * 60 + "'…"),
        ([1, 2], "list, len=2"),
        ({1: 2, "a": 3, (1, 2): 4}, "dict, len=3, keys=[1, 'a', tuple]"),
        (Image.new("RGB", (4, 3)), "Image, size=(4, 3)"),
        (None, "NoneType"),
        (10**40, "int, value=a very large number"),
    ],
)
def test_summaries(value: object, text: str) -> None:
    assert summary(value) == text


def test_large_arrays_are_called_large() -> None:
    assert "size=600.0 MB (large: del it" in summary(np.empty(600_000_000, np.uint8))
    assert "size=2.0 MB" in summary(np.empty(2_000_000, np.uint8))


def test_results_of_tools_are_summed_up_by_frames(notebook: Notebook) -> None:
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    seg = notebook.SAM3.segment_image_by_text(notebook.InputImages[0], "chair")
    assert summary(recon) == "Reconstruction, frames=[0, 10, 20]"
    assert summary(seg) == "PerFrameMask, labels=[chair], frames=[0]"
    assert summary(notebook.InputImages[1:]) == "InputImages, len=2, frames=[10, 20]"
    assert summary(seg.visualize(0)) == "VisualFeedback, source=PerFrameMask.visualize"


def test_awkward_values_do_no_harm() -> None:
    class Awkward:
        def __eq__(self, other: object) -> bool:
            raise ValueError("no")

        __hash__ = None  # type: ignore[assignment]

        def __repr__(self) -> str:
            raise ValueError("no")

    loop: list[Any] = []
    loop.append(loop)
    names = {
        "awkward": Awkward(),
        "loop": loop,
        "nan": float("nan"),
        "objects": np.array([Awkward(), None], dtype=object),
        "keys": {Awkward: 1, 3: Awkward()},
        "empty": np.zeros((0, 3)),
        "scalar": np.array(5),
        "backwards": np.arange(10)[::-2],
        "structured": np.zeros(3, dtype=[("a", "i4"), ("b", "f8")]),
        "times": np.array(["2020-01-01"], dtype="datetime64[D]"),
        "text": np.array(["a", "b"]),
    }
    variables = Variables({})
    assert len(variables.report(names)[0]) == len(names)
    assert variables.report(names) == ([], [])


def test_the_list_is_bounded() -> None:
    new, _ = Variables({}).report({f"v{number}": number for number in range(1000)})
    assert len(new) == 201 and new[-1] == ("…", "800 more")
