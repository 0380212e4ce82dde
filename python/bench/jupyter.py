"""What ``jupyter_client`` with ``ipykernel`` costs: the other half of ``cargo xtask bench kernel``.

Prints one JSON object; progress goes to standard error. Times in milliseconds, memory in megabytes.

python jupyter.py [--quick]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ipykernel
import jupyter_client
from jupyter_client import BlockingKernelClient, KernelManager

# What our template has imported when it forks.
IMPORTS = (
    "import numpy, scipy.ndimage, scipy.optimize, scipy.signal, scipy.spatial.transform, PIL.Image\n"
    "import matplotlib.pyplot, matplotlib.backends.backend_agg"
)
DEADLINE_S = 600


class Kernel:
    """A kernel that has imported what ours have."""

    def __init__(self) -> None:
        started = time.perf_counter()
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel()
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=DEADLINE_S)
        self.run(IMPORTS)
        self.seconds = time.perf_counter() - started

    def run(self, code: str) -> float:
        """Seconds until the cell's reply and the news that the kernel is idle again."""
        started = time.perf_counter()
        reply = self.client.execute_interactive(code, timeout=DEADLINE_S, output_hook=lambda _: None)
        assert reply["content"]["status"] == "ok", reply["content"]
        return time.perf_counter() - started

    def memory(self) -> tuple[float, float]:
        """Proportional and private dirty megabytes."""
        rollup = Path(f"/proc/{self.manager.provisioner.pid}/smaps_rollup").read_text()
        lines = {line.split(":")[0]: line.split()[1] for line in rollup.splitlines()[1:]}
        return int(lines["Pss"]) * 1024 / 1e6, int(lines["Private_Dirty"]) * 1024 / 1e6

    def close(self) -> None:
        """End it at once."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    told = {
        "versions": {"ipykernel": ipykernel.__version__, "jupyter_client": jupyter_client.__version__},
        "start": {},
        "memory": {},
    }
    for at_once, rounds in ((1, 3 if quick else 10), (16, 1 if quick else 3), (64, 0 if quick else 1)):
        if not rounds:
            continue
        print(f"jupyter: {at_once} at once", file=sys.stderr)
        times, weights = [], []
        for _ in range(rounds):
            with ThreadPoolExecutor(at_once) as pool:
                kernels = list(pool.map(lambda _: Kernel(), range(at_once)))
                times += [kernel.seconds for kernel in kernels]
                weights = [kernel.memory() for kernel in kernels]
                list(pool.map(Kernel.close, kernels))
        told["start"]["alone" if at_once == 1 else str(at_once)] = spread(times)
        told["memory"][str(at_once)] = {
            "pss_mb": sum(pss for pss, _ in weights) / at_once,
            "private_dirty_mb": sum(private for _, private in weights) / at_once,
        }
    told["cells"] = cells(200 if quick else 2000)
    print(json.dumps(told))


def cells(count: int) -> dict[str, object]:
    """Round trips of small cells."""
    print("jupyter: cells", file=sys.stderr)
    kernel = Kernel()
    told = {}
    for name, code in (("empty", "pass"), ("expression", "1+1")):
        for _ in range(20):
            kernel.run(code)
        told[name] = spread([kernel.run(code) for _ in range(count)])
    kernel.close()
    return told


def spread(seconds: list[float]) -> dict[str, float]:
    """Best, median and 99th percentile in milliseconds."""
    ordered = sorted(seconds)
    last = len(ordered) - 1
    at = {"best_ms": 0.0, "p50_ms": 0.5, "p99_ms": 0.99}
    return {"n": len(ordered)} | {name: 1e3 * ordered[round(share * last)] for name, share in at.items()}


if __name__ == "__main__":
    main()
