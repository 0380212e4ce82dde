"""Prints what arithmetic over a reconstruction of 64 frames of 378 x 504 pixels takes, ours beside numpy.

OPENBLAS_NUM_THREADS=1 .venv/bin/python python/bench/geometry.py

The floor of a row is the time in which this machine copies as many bytes as the function has to read and write, into
memory that is new to the process, as results are. Each number is the best of several runs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

for _part in ("tests", "."):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / _part))

from template import library

from spatialclaw import _geometry, _geometry_py, _template
from spatialclaw._footprints import smallest_rectangle
from spatialclaw._geometry import Engine, Native
from spatialclaw.masks import PerFrameMask
from spatialclaw.reconstruction import Reconstruction
from spatialclaw.tools.geometry import Geometry

FRAMES, ROWS, COLUMNS = 64, 378, 504
Row = tuple[str, int, int, Callable[[], object]]


def main() -> None:
    """Measure and print."""
    built = library()
    if built is None:
        sys.exit("the kernel worker is not built: run `cargo build -p spatialclaw-kernel-worker` first")
    native = Native(_template._load(str(built)))
    print(f"library {built.parent.name}, numpy {np.__version__}, one thread, best of several, milliseconds\n")
    print(f"| {'what':46} | {'bytes moved':>12} | {'floor':>7} | {'numpy':>8} | {'ours':>8} | {'times':>5} |")
    print(f"|{'-' * 48}|{'-' * 13}:|{'-' * 8}:|{'-' * 9}:|{'-' * 9}:|{'-' * 6}:|")
    for what, moved, runs, work in _rows():
        plain, ours = _measured(_geometry_py, work, runs), _measured(native, work, runs)
        floor = _copied(moved) if moved else float("nan")
        print(
            f"| {what:46} | {_megabytes(moved):>12} | {floor:7.2f} | {plain:8.2f} | {ours:8.2f} | {plain / ours:5.1f} |"
        )


def _rows() -> list[Row]:
    """What is measured, the bytes it has to move, how often."""
    recon, seg = _world()
    one, everything = ROWS * COLUMNS, FRAMES * ROWS * COLUMNS
    points, confidence, pose = recon.points.points, recon.confidence, recon.extrinsics.camera_poses[0]
    depth, poses = recon.depth.depth, recon.extrinsics.camera_poses
    cameras = np.tile([400.0, 400, 251.5, 188.5], (FRAMES, 1))

    def lift(count: int) -> Callable[[], object]:
        def work() -> object:
            out = np.empty((count, ROWS, COLUMNS, 3), np.float32)
            return _geometry.engine.lift(depth[:count], cameras[:count], poses[:count], out)

        return work

    area = int(seg.masks[0, 0].sum())
    return [
        ("depth to world points, one frame", one * 16, 9, lift(1)),
        ("depth to world points, 64 frames", everything * 16, 3, lift(FRAMES)),
        ("transform_points, one frame", one * 36, 9, lambda: Geometry.transform_points(points[0], pose)),
        ("transform_points, 64 frames", everything * 36, 2, lambda: Geometry.transform_points(points, pose)),
        (
            "fit_ground_plane_ransac, one frame",
            one * 33,
            5,
            lambda: Geometry.fit_ground_plane_ransac(points[0], confidence[0]),
        ),
        (
            "fit_ground_plane_ransac, 64 frames",
            everything * 33,
            2,
            lambda: Geometry.fit_ground_plane_ransac(points, confidence),
        ),
        ("depth to half size, one frame", one * 2, 9, lambda: _geometry.engine.resize(depth[0], (189, 252))),
        ("mask to another size, one frame", one * 2, 9, lambda: _geometry.engine.resize(seg.masks[0, 0], (400, 500))),
        ("get_masked_points", one + area * 32, 9, lambda: seg.get_masked_points(recon, 0, 0)),
        ("a mask's points without their rim (map)", one + area * 32, 9, lambda: _picked(recon, seg)),
        ("smallest rectangle around 1.2 million points", 1_200_000 * 16, 3, _rectangle()),
        ("render_bev, 2 objects in 64 frames", 0, 1, lambda: recon.render_bev(masks=seg)),
    ]


def _picked(recon: Reconstruction, seg: PerFrameMask) -> object:
    return _geometry.engine.pick(recon.points[0], recon.confidence[0], seg.masks[0, 0], 0.1, 3)


def _rectangle() -> Callable[[], object]:
    cloud = np.random.default_rng(1).normal(size=(1_200_000, 2))
    return lambda: smallest_rectangle(cloud)


def _world() -> tuple[Reconstruction, PerFrameMask]:
    """A floor, a wall and noise, with one reading in 35 missing, and two masks in each frame."""
    rng = np.random.default_rng(0)
    y = (np.arange(ROWS) - 188.5) / 400
    floor = np.where(y > 0.25, 1.5 / np.maximum(y, 0.01), 6.0)[None, :, None]
    depth = (floor + rng.normal(0, 0.01, (FRAMES, ROWS, COLUMNS))).astype(np.float32)
    depth[:, ::7, ::5] = np.nan
    confidence = np.isfinite(depth).astype(np.float32)
    poses = np.tile(np.diag([1.0, -1, -1, 1]), (FRAMES, 1, 1))
    poses[:, 1, 3], poses[:, 0, 3] = 1.5, np.linspace(0, 0.5, FRAMES)
    masks = np.zeros((FRAMES, 2, ROWS, COLUMNS), np.bool_)
    masks[:, 0, 100:250, 150:350] = masks[:, 1, 280:340, 20:80] = True
    frames = list(range(FRAMES))
    cameras = np.tile([400.0, 400, 251.5, 188.5], (FRAMES, 1))
    return Reconstruction(frames, depth, confidence, cameras, poses), PerFrameMask(masks, ["box", "mat"], frames)


def _measured(engine: Engine, work: Callable[[], object], runs: int) -> float:
    _geometry.engine = engine
    return _best(work, runs)


def _copied(moved: int) -> float:
    source = np.ones(moved // 2, np.uint8)
    return _best(source.copy, 5)


def _best(work: Callable[[], object], runs: int) -> float:
    """Milliseconds of the quickest run."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return 1e3 * min(times)


def _megabytes(moved: int) -> str:
    return f"{moved / 1e6:.1f} MB" if moved else ""


if __name__ == "__main__":
    main()
