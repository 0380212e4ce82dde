"""The containers of a reconstruction, as the contract names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import Make, Notebook
from scene import Shot

from spatialclaw.frames import PerFrameCoordinates


def test_every_container_holds_what_it_says(notebook: Notebook) -> None:
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    whole: list[tuple[np.ndarray, tuple[int, ...], type]] = [
        (recon.depth.depth, (3, 48, 64), np.float32),
        (recon.depth.confidence, (3, 48, 64), np.float32),
        (recon.points.points, (3, 48, 64, 3), np.float32),
        (recon.points.confidence, (3, 48, 64), np.float32),
        (recon.intrinsics.fx, (3,), np.float64),
        (recon.intrinsics.fy, (3,), np.float64),
        (recon.intrinsics.cx, (3,), np.float64),
        (recon.intrinsics.cy, (3,), np.float64),
        (recon.extrinsics.camera_poses, (3, 4, 4), np.float64),
        (recon.depth[10], (48, 64), np.float32),
        (recon.points[10], (48, 64, 3), np.float32),
        (recon.extrinsics[10], (4, 4), np.float64),
        (recon.gravity_direction, (3,), np.float64),
    ]
    for array, shape, dtype in whole:
        assert type(array) is np.ndarray and array.shape == shape and array.dtype == dtype
    assert {key: type(value) for key, value in recon.intrinsics[10].items()} == dict.fromkeys(
        ("fx", "fy", "cx", "cy"), float
    )
    assert type(recon.metric_scale) is float


@pytest.mark.parametrize("part", [lambda r: r, lambda r: r.depth, lambda r: r.points, lambda r: r.intrinsics])
def test_no_container_is_iterable_and_each_says_what_to_do(notebook: Notebook, part: Callable[[Any], Any]) -> None:
    container = part(notebook.Reconstruct.Reconstruct(notebook.InputImages))
    with pytest.raises(TypeError, match=r"not iterable: loop `for fi in obj.frame_indices:`"):
        list(container)
    assert len(container) == container.num_frames == 3 and container.frame_indices == [0, 10, 20]


def test_depth_is_along_the_cameras_axis_and_points_agree_with_it(notebook: Notebook) -> None:
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    for frame in recon.frame_indices:
        seen = notebook.Geometry.transform_points(recon.points[frame], np.linalg.inv(recon.extrinsics[frame]))
        assert np.allclose(seen[..., 2], recon.depth[frame], atol=1e-5)


def test_a_level_first_camera_stands_as_the_world_is_described(notebook: Notebook) -> None:
    right, down, forward, _ = notebook.Reconstruct.Reconstruct(notebook.InputImages).extrinsics[0].T[:, :3]
    assert np.allclose((right, down, forward), ((1, 0, 0), (0, -1, 0), (0, 0, -1)))


def test_what_a_cell_writes_into_points_stays(notebook: Notebook) -> None:
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    recon.points[10][0, 0] = (1, 2, 3)
    assert recon.points.points[1, 0, 0].tolist() == [1, 2, 3] and recon.points[10][0, 0].tolist() == [1, 2, 3]


def test_coordinates_are_looked_up_like_everything_else() -> None:
    places = PerFrameCoordinates(np.zeros((2, 3, 2)), np.ones((2, 3, 3)), ["a", "b", "c"], [15, 30])
    assert places[30]["coords_2d"].shape == (3, 2) and places[30]["coords_3d"].shape == (3, 3)
    assert places.labels == ["a", "b", "c"] and places.num_frames == 2
    with pytest.raises(KeyError, match="list position"):
        places[0]
    with pytest.raises(ValueError, match=r"coords_2d must be \(2, 1, 2\)"):
        PerFrameCoordinates(np.zeros((2, 3, 2)), np.ones((2, 3, 3)), ["a"], [15, 30])


def test_reconstruct_asks_for_nothing_but_the_frames(make: Make) -> None:
    notebook = make([Shot(3), Shot(4)])
    notebook.Reconstruct.Reconstruct(notebook.InputImages)
    assert notebook.room.asked == [("reconstruct", [3, 4], 64, 48)], "no segmentation on the side"
