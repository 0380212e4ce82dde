"""The reference of the kernel (``docs/reference/kernel.md``) names a test for everything that it claims."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from spatialclaw.masks import PerFrameMask
from spatialclaw.reconstruction import Reconstruction
from spatialclaw.tools import CLASSES

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference" / "kernel.md"
_NAMED = re.compile(r"`([\w./-]+\.(?:py|rs))::(\w+)`")


def rows() -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row of each table whose last column is the proof."""
    inside = False
    for number, line in enumerate(REFERENCE.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[-1] == "Proof":
            inside = True
        elif inside and not line.startswith("|---"):
            yield number, [cell.strip("| ") for cell in cells]


@functools.cache
def names_in(name: str) -> frozenset[str]:
    """The tests in a file: Python's by their definition, Rust's by attribute and name."""
    if name.endswith(".py"):
        tree = ast.parse((ROOT / "python" / "tests" / name).read_text())
        return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))
    text = (ROOT / name).read_text()
    return frozenset(re.findall(r"#\[(?:tokio::)?test[^\]]*\](?:\s*#\[[^\]]*\])*\s*(?:async )?fn (\w+)", text))


@pytest.mark.parametrize(("line", "cells"), [pytest.param(line, cells, id=str(line)) for line, cells in rows()])
def test_every_claim_names_a_test_that_exists(line: int, cells: list[str]) -> None:
    assert len(cells) == 3, f"line {line} has {len(cells)} columns"
    proof = cells[-1]
    named = _NAMED.findall(proof)
    assert named or proof == "not yet", f"line {line} names no test"
    for file, test in named:
        assert test in names_in(file), f"line {line}: {file} has no {test}"
    assert _NAMED.sub("", proof).strip(" ,") in ("", "not yet"), f"line {line}: {proof} is more than names of tests"


def test_every_public_method_has_its_row() -> None:
    text = REFERENCE.read_text()
    for kind in (*CLASSES, PerFrameMask, Reconstruction):
        for name in vars(kind):
            if not name.startswith("_"):
                assert re.search(rf"\b{name}\b", text), f"{kind.__name__}.{name} is not in {REFERENCE.name}"
