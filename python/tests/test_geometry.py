"""Arithmetic over pixels: the native half and numpy give the same numbers, and those are right."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest
from conftest import Make, Notebook
from scene import Box, Shot
from template import PACKAGE, Kernel, library

from spatialclaw import _geometry, _geometry_py, _template
from spatialclaw._geometry import Engine, Native
from spatialclaw.tools.geometry import Geometry


@pytest.fixture(scope="module")
def host() -> Any:
    built = library()
    if built is None:
        pytest.skip("the kernel worker is not built: run `cargo build -p spatialclaw-kernel-worker` first")
    return _template._load(str(built))


@pytest.fixture(scope="module")
def native(host: Any) -> Native:
    return Native(host)


@pytest.fixture(params=["numpy", "native"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Each of the two, put where the tools look for it."""
    chosen: Engine = _geometry_py if request.param == "numpy" else request.getfixturevalue("native")
    monkeypatch.setattr(_geometry, "engine", chosen)
    return chosen


def poses(rng: np.random.Generator, count: int) -> np.ndarray:
    made = np.tile(np.eye(4), (count, 1, 1))
    made[:, :3, :3] = np.linalg.qr(rng.normal(size=(count, 3, 3)))[0]
    made[:, :3, 3] = rng.normal(size=(count, 3))
    return made


def test_numpy_serves_where_no_native_half_is_loaded() -> None:
    assert _geometry.engine is _geometry_py


def test_points_are_lifted_alike_to_the_bit(native: Native) -> None:
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.1, 20, (3, 17, 23)).astype(np.float32)
    depth[:, 2:4, 5] = np.nan
    depth[0, 0, 0] = np.inf
    cameras = np.stack([rng.uniform(10, 30, 3), rng.uniform(10, 30, 3), np.full(3, 11.0), np.full(3, 8.0)], axis=1)
    turned = poses(rng, 3)
    ours, theirs = np.empty((3, 17, 23, 3), np.float32), np.empty((3, 17, 23, 3), np.float32)
    native.lift(depth, cameras, turned, ours)
    _geometry_py.lift(depth, cameras, turned, theirs)
    assert np.array_equal(ours, theirs, equal_nan=True)
    assert np.isnan(ours[:, 2:4, 5]).all() and np.isfinite(ours[1]).all(axis=-1).sum() == 17 * 23 - 2


def test_lifted_points_are_where_double_precision_puts_them(engine: Engine) -> None:
    rng = np.random.default_rng(1)
    depth = rng.uniform(1, 10, (1, 30, 40)).astype(np.float32)
    camera, pose = np.array([[32.0, 33, 19.5, 14.5]]), poses(rng, 1)
    out = np.empty((1, 30, 40, 3), np.float32)
    engine.lift(depth, camera, pose, out)
    y, x = np.mgrid[:30, :40]
    rays = np.stack([(x - 19.5) / 32, (y - 14.5) / 33, np.ones_like(x)], axis=-1) * depth[0, ..., None]
    assert np.abs(out[0] - (rays @ pose[0, :3, :3].T + pose[0, :3, 3])).max() < 1e-5


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_points_are_transformed_alike(native: Native, dtype: Any) -> None:
    rng = np.random.default_rng(2)
    points = (10 * rng.normal(size=(5, 7, 3))).astype(dtype)
    matrix = poses(rng, 1)[0]
    moved = native.transform(points[:, ::2], matrix)
    assert moved.dtype == np.float64 and moved.shape == (5, 4, 3)
    assert np.allclose(moved, _geometry_py.transform(points[:, ::2], matrix), atol=1e-12)
    assert np.array_equal(native.transform(np.full((1, 3), np.nan), matrix), np.full((1, 3), np.nan), equal_nan=True)
    assert native.transform(np.empty((0, 3)), matrix).shape == (0, 3)


def floor_and_clutter(count: int, dtype: Any = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """A tilted floor with two centimetres of noise, a third of clutter, and holes."""
    rng = np.random.default_rng(3)
    x, z = rng.uniform(-3, 3, count), rng.uniform(-6, 0, count)
    floor = np.column_stack([x, 0.1 * x - 0.05 * z + rng.normal(0, 0.02, count), z])
    points = np.concatenate([floor, rng.uniform(-3, 3, (count // 2, 3)), np.full((count // 10, 3), np.nan)])
    return points.astype(dtype), rng.uniform(0, 1, len(points)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [300, 40_000])
def test_planes_are_fitted_alike(native: Native, count: int, dtype: Any) -> None:
    points, confidence = floor_and_clutter(count, dtype)
    ours = native.fit_plane(points, confidence, 0.3, 200, 0.05)
    theirs = _geometry_py.fit_plane(points, confidence, 0.3, 200, 0.05)
    assert ours is not None and theirs is not None
    assert np.array_equal(ours[0], theirs[0]) and ours[0].dtype == np.bool_
    assert np.allclose(ours[1], theirs[1], rtol=1e-9, atol=1e-9)


def sampled_plane(points: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The recipe in as few words as possible: three random points, count, keep the best, refit by SVD."""
    chosen = points[confidence > 0.3]
    rng, best = np.random.default_rng(42), np.zeros(len(chosen), np.bool_)
    usable = np.flatnonzero(np.isfinite(chosen).all(axis=1))
    for _ in range(1000):
        a, b, c = chosen[rng.choice(usable, 3, replace=False)]
        normal = np.cross(b - a, c - a)
        normal /= np.linalg.norm(normal)
        near = np.abs((chosen - a) @ normal) < 0.05
        best = near if near.sum() > best.sum() else best
    centred = chosen[best] - chosen[best].mean(axis=0)
    return np.linalg.svd(centred, full_matrices=False)[2][2], best


def test_the_fitted_plane_is_that_of_the_plain_recipe(engine: Engine) -> None:
    points, confidence = floor_and_clutter(2000)
    normal, inliers = Geometry.fit_ground_plane_ransac(points, confidence)
    expected, expected_inliers = sampled_plane(points, confidence)
    assert normal is not None and inliers is not None
    assert np.degrees(np.arccos(min(1.0, abs(normal @ expected)))) < 0.3
    assert (inliers == expected_inliers).mean() > 0.98
    truth = np.array([-0.1, 1, 0.05]) / np.linalg.norm([-0.1, 1, 0.05])
    assert np.degrees(np.arccos(min(1.0, abs(normal @ truth)))) < 0.3
    again, same = Geometry.fit_ground_plane_ransac(points, confidence)
    assert again is not None and same is not None and np.array_equal(normal, again) and np.array_equal(inliers, same)
    inliers[:] = False  # a cell's own array, writable


def test_planes_that_do_not_count_are_none(engine: Engine) -> None:
    points, confidence = floor_and_clutter(1000)
    assert Geometry.fit_ground_plane_ransac(points[:99], np.ones(99)) == (None, None)
    assert Geometry.fit_ground_plane_ransac(points, np.zeros_like(confidence)) == (None, None)
    assert Geometry.fit_ground_plane_ransac(np.zeros((200, 3)), np.ones(200)) == (None, None), "all in one place"
    line = np.linspace(0, 1, 600).reshape(200, 3) * 0 + np.arange(200)[:, None]
    assert Geometry.fit_ground_plane_ransac(line, np.ones(200)) == (None, None), "all on one line"
    thin = np.random.default_rng(4).uniform(-100, 100, (300, 3))
    assert Geometry.fit_ground_plane_ransac(thin, np.ones(300), inlier_threshold=0.01) == (None, None), "no plane"


def test_a_threshold_is_not_above_itself(engine: Engine) -> None:
    points, confidence = floor_and_clutter(2000, np.float32)
    confidence[:] = 0.3
    assert Geometry.fit_ground_plane_ransac(points, confidence, conf_threshold=0.3) == (None, None)
    cloud, _ = engine.pick(points[None], confidence[None], np.ones((1, len(points)), np.bool_), 0.3, 0)
    assert len(cloud) == 0


def test_whole_point_maps_are_taken(engine: Engine, make: Make) -> None:
    notebook = make(hole_px=10)
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    normal, inliers = Geometry.fit_ground_plane_ransac(recon.points[0], recon.confidence[0])
    assert normal is not None and inliers is not None and inliers.shape == (48 * 64 - 100,)
    single, _ = Geometry.fit_ground_plane_ransac(recon.points.points, recon.confidence)
    assert single is not None and max(abs(single)) > 0.99


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"n_iterations": 0}, ValueError, "n_iterations is 0; it lies between 1 and"),
        ({"n_iterations": 10**9}, ValueError, "between 1 and 100000"),
        ({"inlier_threshold": "5 cm"}, TypeError, "inlier_threshold must be a number"),
        ({"conf_threshold": float("nan")}, ValueError, "conf_threshold is nan"),
        ({"points": [["a"] * 3] * 200}, TypeError, "points must be an array of numbers"),
        ({"confidence": np.ones(7)}, ValueError, r"confidence \(...\), not \(200, 3\) and \(7,\)"),
    ],
)
def test_wrong_arguments_of_a_plane_are_named(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    given: dict[str, Any] = {"points": np.zeros((200, 3)), "confidence": np.ones(200), **arguments}
    with pytest.raises(error, match=text):
        Geometry.fit_ground_plane_ransac(**given)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("tail", [(), (3,)])
def test_grids_are_resized_alike(native: Native, dtype: Any, tail: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    grid = (rng.uniform(0, 255, (13, 29, *tail)) * (rng.uniform(size=(13, 29, *tail)) > 0.5)).astype(dtype)
    for size in ((13, 29), (48, 64), (1, 1), (7, 100), (0, 5)):
        ours = native.resize(grid, size)
        assert ours.dtype == dtype and np.array_equal(ours, _geometry_py.resize(grid, size)), size
    assert np.array_equal(native.resize(grid[:, ::2], (5, 5)), _geometry_py.resize(grid[:, ::2], (5, 5)))


def test_pixels_go_by_their_centres(engine: Engine) -> None:
    assert engine.resize(np.arange(6)[None], (1, 3)).tolist() == [[1, 3, 5]]
    assert engine.resize(np.arange(3)[None], (1, 6)).tolist() == [[0, 0, 1, 1, 2, 2]]


@pytest.mark.parametrize("rim", [0, 1, 3])
def test_objects_are_picked_alike(native: Native, rim: int) -> None:
    rng = np.random.default_rng(6)
    points = rng.normal(size=(40, 50, 3)).astype(np.float32)
    points[rng.uniform(size=(40, 50)) < 0.1] = np.nan
    confidence = rng.uniform(0, 1, (40, 50)).astype(np.float32)
    masks = [np.zeros((40, 50), np.bool_) for _ in range(5)]
    masks[0][5:30, 10:40] = True
    masks[1][:12, :] = True  # at the picture's edge, which takes nothing off
    masks[2][20, :] = True  # a line, which is nothing but rim
    masks[3][rng.uniform(size=(40, 50)) < 0.9] = True
    for mask in masks:
        for threshold in (-np.inf, 0.4):
            ours = native.pick(points, confidence, mask, threshold, rim)
            theirs = _geometry_py.pick(points, confidence, mask, threshold, rim)
            assert all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))
            assert ours[0].dtype == np.float32 and ours[0].shape == (len(ours[1]), 3)


def test_outlines_are_alike(native: Native) -> None:
    rng = np.random.default_rng(7)
    for count in (3, 5, 40, 5000):
        for shape in (rng.normal(size=(count, 2)), rng.uniform(size=(count, 2)) @ [[3, 1], [0, 0.5]]):
            ours, theirs = native.outline(shape), _geometry_py.outline(shape)
            assert {tuple(corner) for corner in ours} == {tuple(corner) for corner in theirs}
            following = np.roll(ours, -1, axis=0)
            assert (ours[:, 0] * following[:, 1] - ours[:, 1] * following[:, 0]).sum() > 0, "counter-clockwise"


def test_outlines_of_what_has_no_area(engine: Engine) -> None:
    for points in (np.empty((0, 2)), np.ones((1, 2)), np.ones((9, 2)), np.arange(8.0).repeat(2).reshape(-1, 2)):
        assert len(engine.outline(points)) < 3
    square = np.array([[0.0, 0], [2, 0], [2, 2], [0, 2], [1, 1], [np.nan, 0], [1, 0], [0, np.inf]])
    assert {tuple(corner) for corner in engine.outline(square)} == {(0, 0), (2, 0), (2, 2), (0, 2)}


def test_the_native_half_refuses_what_does_not_fit(host: Any) -> None:
    numbers, doubles = np.zeros(12, np.float32), np.zeros(12)
    with pytest.raises(ValueError, match="depth holds 12 numbers where 24"):
        host.lift(numbers, np.zeros(4), np.zeros(16), 4, 6, np.zeros(72, np.float32))
    with pytest.raises(ValueError, match="too large"):
        host.lift(numbers, np.zeros(4), np.zeros(16), 2**40, 2**40, numbers)
    with pytest.raises(ValueError, match="out must be an array of its own"):
        host.transform(doubles, [0.0] * 16, doubles)
    with pytest.raises(ValueError, match="out must be an array of its own"):
        host.transform(doubles, [0.0] * 16, np.frombuffer(bytes(96)))
    with pytest.raises(ValueError, match="contiguous"):
        host.transform(np.zeros(24)[::2], [0.0] * 16, doubles)
    with pytest.raises(ValueError, match="out holds 12 numbers where 9"):
        host.transform(np.zeros(9), [0.0] * 16, doubles)
    with pytest.raises(ValueError, match="same type"):
        host.fit_plane(numbers, np.zeros(4), 0.3, 10, 0.1)
    with pytest.raises(ValueError, match="no rows of 5"):
        host.pick(numbers, numbers[:4], np.zeros(4, np.uint8), 5, 0.0, 1)
    with pytest.raises(ValueError, match="nothing to resize"):
        host.resize(b"", 0, (0, 0), (1, 1), bytearray())
    with pytest.raises((TypeError, BufferError)):
        host.outline("text")


def test_the_stub_names_every_native_function(host: Any) -> None:
    stub = ast.parse((PACKAGE / "spatialclaw" / "_host.pyi").read_text())
    declared = {node.name for node in stub.body if isinstance(node, ast.FunctionDef)}
    real = {name for name, value in vars(host).items() if callable(value) and not isinstance(value, type)}
    assert declared == {name for name in real if not name.startswith("_")}


def test_the_tools_work_with_either(engine: Engine, make: Make) -> None:
    shots = [Shot(at, (200, 150)) for at in (0, 1)]
    moved = {1: [Box(1, "chair", (1.0, 0.4, -3.0), (0.5, 0.8, 0.5))]}
    notebook: Notebook = make(shots, moved=moved)
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    assert np.isclose(recon.points[0][..., 1].min(), 0, atol=1e-5)
    assert "chair: moves right" in recon.render_bev(prompts="chair").description
    seg = notebook.SAM3.segment_image_by_text(notebook.InputImages[0], "chair")
    assert abs(seg.get_centroid_3d(recon, 0)[0] - 0.6) < 0.2


def test_kernels_use_the_native_half(kernel: Kernel) -> None:
    done = kernel.run(
        "from spatialclaw import _geometry\nprint(type(_geometry.engine).__name__)\n"
        "print(Geometry.transform_points(np.ones((2, 3), np.float32), np.eye(4)).sum())"
    )
    assert done.error is None and done.stdout == "Native\n6.0\n"
