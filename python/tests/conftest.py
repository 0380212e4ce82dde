"""Cells run against a room of known measures, or inside real kernels."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure
from PIL import Image
from scene import Opening, Room, Shot
from template import Kernel, Template, library

from spatialclaw import _cell, _namespace
from spatialclaw._bridge import Bridge
from spatialclaw._inputs import inputs


class Notebook:
    """A namespace as cells see it, over a room."""

    def __init__(self, room: Room, opening: Opening) -> None:
        self.room = room
        self.names = _namespace.build(inputs(opening, Bridge(room)))
        self._step = 0

    def __getattr__(self, name: str) -> Any:
        return self.names[name]

    def run(self, code: str) -> _cell.Failure | None:
        """Run one cell; how it failed."""
        self._step += 1
        return _cell.run(code, self._step, self.names, _cell.Interrupts())

    def must(self, code: str) -> None:
        """Run one cell that has to succeed."""
        failure = self.run(code)
        assert failure is None, failure

    def pictures(self) -> list[Image.Image]:
        """What was shown, decoded."""
        return [Image.open(io.BytesIO(png)) for png, _, _ in self.room.shown]


Make = Callable[..., Notebook]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes notebooks over rooms; what they change in this process is put back."""
    show, figure_show = plt.show, Figure.show

    def notebook(shots: list[Shot] | None = None, video: Any = None, max_frames: int = 64, **room: Any) -> Notebook:
        taken = shots or [Shot(index, position=(0.2 * at, 1.5, 0.0)) for at, index in enumerate((0, 10, 20))]
        return Notebook(Room(taken, **room), Opening(taken, video=video, reconstruct_max_frames=max_frames))

    yield notebook
    plt.close("all")
    plt.show, Figure.show = show, figure_show  # type: ignore[method-assign]


@pytest.fixture
def notebook(make: Make) -> Notebook:
    """Three frames (0, 10, 20) of a room with a chair and a table."""
    return make()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    """A real template, shared: its kernels share nothing."""
    built = library()
    if built is None:
        pytest.skip("the kernel worker is not built: run `cargo build -p spatialclaw-kernel-worker` first")
    started = Template(tmp_path_factory.mktemp("home"), built)
    yield started
    assert started.close() == 0


@pytest.fixture
def lease(template: Template, tmp_path: Path) -> Iterator[Callable[..., Kernel]]:
    """Leases kernels and ends them."""
    kernels: list[Kernel] = []

    def leased(**options: Any) -> Kernel:
        scratch = tmp_path / f"scratch{len(kernels)}"
        scratch.mkdir(mode=0o700)
        kernels.append(template.kernel(scratch, **options))
        return kernels[-1]

    yield leased
    for kernel in kernels:
        kernel.close()


@pytest.fixture
def kernel(lease: Callable[..., Kernel]) -> Kernel:
    """One kernel with the default limits."""
    return lease()
