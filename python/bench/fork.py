"""Prints how long a kernel takes from the request to ``Ready``, and how long an empty cell takes.

.venv/bin/python python/bench/fork.py [how many]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from template import Template, library


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    built = library()
    if built is None:
        sys.exit("the kernel worker is not built: run `cargo build -p spatialclaw-kernel-worker` first")
    with tempfile.TemporaryDirectory() as home:
        template = Template(Path(home), built)
        forks, cells = [], []
        for number in range(count):
            scratch = Path(home) / f"scratch{number}"
            scratch.mkdir(mode=0o700)
            started = time.perf_counter()
            kernel = template.kernel(scratch)
            forks.append(time.perf_counter() - started)
            started = time.perf_counter()
            kernel.run("pass")
            cells.append(time.perf_counter() - started)
            kernel.close()
        template.close()
    print(f"library {built.parent.name}, walls {template.ready['walls']}, template {template.ready['seconds']} s")
    print(f"fork to ready: {_spread(forks)};  empty first cell: {_spread(cells)}")


def _spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    worst = ordered[int(0.95 * (len(ordered) - 1))]
    return f"median {1e3 * statistics.median(ordered):.1f} ms, 95 % {1e3 * worst:.1f} ms"


if __name__ == "__main__":
    main()
