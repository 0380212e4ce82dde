"""Geometry, Mask, Time, Graph and Draw."""

from __future__ import annotations

import math

import numpy as np
import pytest
from conftest import Make, Notebook
from PIL import Image
from scene import Shot

from spatialclaw.metadata import Metadata
from spatialclaw.tools.draw import Draw
from spatialclaw.tools.geometry import Geometry
from spatialclaw.tools.graph import Graph
from spatialclaw.tools.mask import Mask
from spatialclaw.tools.time import Time


def test_distances_and_angles() -> None:
    assert Geometry.euclidean_distance([0, 0, 0], np.array([[0, 3, 4]])) == 5.0
    with pytest.raises(ValueError, match=r"\(3,\) and \(2,\)"):
        Geometry.euclidean_distance([0, 0, 0], [0, 0])
    assert Geometry.angle_between_vectors([1, 0, 0], [0, 2, 0]) == pytest.approx(90)
    assert Geometry.angle_between_vectors([1, 1, 1], [1, 1, 1]) == pytest.approx(0, abs=1e-5)
    with pytest.raises(ValueError, match="without length"):
        Geometry.angle_between_vectors([0, 0, 0], [1, 0, 0])
    with pytest.raises(ValueError, match=r"index one row first"):
        Geometry.angle_between_vectors(np.zeros((5, 3)), [1, 0, 0])


def test_a_point_goes_back_to_its_pixel(notebook: Notebook) -> None:
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    point = recon.points[10][30, 20]
    pixel = Geometry.project_point_to_camera(point, recon.extrinsics[10], **recon.intrinsics[10])
    assert pixel == pytest.approx((20, 30), abs=1e-4)
    camera = recon.intrinsics[10]
    again = Geometry.project_point_to_camera(
        point, recon.extrinsics[10], *(camera[key] for key in ("fx", "fy", "cx", "cy"))
    )
    assert again == pixel
    assert Geometry.project_point_to_camera([0, 1.5, 5], recon.extrinsics[10], **camera) is None
    with pytest.raises(ValueError, match=r"\(4, 4\)"):
        Geometry.project_point_to_camera(point, np.eye(3), **camera)


def test_rotations() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        first, second = rng.normal(size=3), rng.normal(size=3)
        turn = Geometry.rotation_matrix_from_vectors(first, second)
        assert np.allclose(turn @ first / np.linalg.norm(first), second / np.linalg.norm(second))
        assert np.allclose(turn @ turn.T, np.eye(3)) and np.isclose(np.linalg.det(turn), 1)
    assert np.allclose(Geometry.rotation_matrix_from_vectors([0, 0, 2], [0, 0, 1]), np.eye(3))
    back = Geometry.rotation_matrix_from_vectors([0, 0, 1], [0, 0, -1])
    assert np.allclose(back @ [0, 0, 1], [0, 0, -1]) and np.isclose(np.linalg.det(back), 1)


def test_transforms() -> None:
    move = np.eye(4)
    move[:3, 3] = (1, 2, 3)
    assert np.array_equal(Geometry.transform_points(np.zeros((2, 4, 3)), move)[1, 3], (1, 2, 3))
    with pytest.raises(TypeError, match="np.array"):
        Geometry.transform_points([[0, 0, 0]], move)
    with pytest.raises(ValueError, match=r"\(\.\.\., 3\)"):
        Geometry.transform_points(np.zeros((3, 4)), move)


def test_the_ground_is_found_among_noise_and_holes() -> None:
    rng = np.random.default_rng(1)
    floor = np.column_stack([rng.uniform(-3, 3, 3000), rng.normal(0, 0.005, 3000), rng.uniform(-6, 0, 3000)])
    clutter = rng.uniform(-3, 3, (1000, 3))
    points = np.concatenate([floor, clutter, np.full((500, 3), np.nan)])
    confidence = np.ones(4500)
    confidence[:10] = 0.1
    normal, inliers = Geometry.fit_ground_plane_ransac(points, confidence)
    assert normal is not None and inliers is not None
    assert abs(normal[1]) > 0.9999 and inliers.shape == (4490,)
    assert inliers[:2990].mean() > 0.99 and not inliers[-500:].any()
    again, _ = Geometry.fit_ground_plane_ransac(points, confidence)
    assert np.array_equal(normal, again)
    assert Geometry.fit_ground_plane_ransac(points[:50], confidence[:50]) == (None, None)
    with pytest.raises(ValueError, match="confidence"):
        Geometry.fit_ground_plane_ransac(points, confidence[:-1])


def test_normalized_coordinates(capsys: pytest.CaptureFixture[str]) -> None:
    assert Geometry.normalized_to_pixel((500, 250), 768, 432) == [384.0, 108.0]
    assert Geometry.normalized_to_pixel([0, 0, 1000, 1000, 500], 100, 50) == [0, 0, 100, 50, 50]
    Geometry.normalized_to_pixel([1200, 5], 100, 50)
    assert "above 1000" in capsys.readouterr().out


def square(size: int = 20, side: int = 4) -> np.ndarray:
    mask = np.zeros((size, size), np.bool_)
    mask[2 : 2 + side, 5 : 5 + side] = True
    return mask


def test_mask_measures() -> None:
    mask = square()
    assert Mask.centroid(mask) == (6.5, 3.5) and Mask.area(mask) == 16
    assert Mask.bounding_box(mask) == (5, 2, 8, 5)
    box = Mask.mask_to_bbox(mask)
    assert box is not None and box.tolist() == [5, 2, 8, 5] and box.dtype == np.float64
    empty = np.zeros_like(mask)
    assert all(math.isnan(at) for at in Mask.centroid(empty))
    assert Mask.bounding_box(empty) is None and Mask.mask_to_bbox(empty) is None and Mask.area(empty) == 0
    assert Mask.centroids(np.stack([mask, mask])) == [(6.5, 3.5)] * 2


def test_specks_do_not_widen_the_box_of_a_large_mask() -> None:
    mask = np.zeros((100, 100), np.bool_)
    mask[20:60, 30:70] = True
    mask[0, 0] = mask[99, 99] = True
    x1, y1, x2, y2 = Mask.bounding_box(mask) or (0, 0, 0, 0)
    assert (x1, y1) == (30, 20) and (x2, y2) == (69, 59)
    whole = Mask.mask_to_bbox(mask)
    assert whole is not None and whole.tolist() == [0, 0, 99, 99]


def test_overlaps() -> None:
    one, other = square(), np.roll(square(), 2, axis=1)
    assert Mask.iou(one, other) == pytest.approx(8 / 24) and Mask.intersection(one, other).sum() == 8
    assert Mask.iou(np.zeros((3, 3)), np.zeros((3, 3))) == 0.0
    with pytest.raises(ValueError, match=r"\(20, 20\) and \(10, 10\)"):
        Mask.iou(one, square(10))


def test_masks_must_be_planes(notebook: Notebook) -> None:
    seg = notebook.SAM3.segment_image_by_text(notebook.InputImages[0], "chair")
    with pytest.raises(TypeError, match=r"not PerFrameMask.*get_mask"):
        Mask.area(seg)
    with pytest.raises(ValueError, match=r"2-D \(H, W\), not \(1, 48, 64\)"):
        Mask.area(seg[0])
    with pytest.raises(ValueError, match=r"\(N, H, W\)"):
        Mask.centroids(seg.get_mask(0))
    with pytest.raises(TypeError, match="numpy array"):
        Mask.centroids([[1]])


def test_time(make: Make) -> None:
    time = make(video=(25.0, 100, 4.0)).Time
    assert time.frame_to_seconds(50) == 2.0 and time.frame_to_seconds(np.int64(50)) == 2.0
    assert time.seconds_to_frame(np.float32(1.0)) == 25 and time.seconds_to_frame(99) == 99
    assert time.seconds_to_frame(-1) == 0 and time.get_frame_at_time(2, video_index=1) == 50
    assert time.frame_range_to_seconds(0, 25) == (0.0, 1.0) and (time.fps, time.total_frames) == (25.0, 100)
    with pytest.raises(TypeError, match="frame_index must be a number, not str"):
        time.frame_to_seconds("3")
    with pytest.raises(ValueError, match="video_index is 2"):
        time.frame_to_seconds(3, video_index=2)
    with pytest.raises(ValueError, match="finite"):
        time.seconds_to_frame(float("nan"))


def test_recorded_times_win(make: Make) -> None:
    time = make([Shot(0, time_s=0.0), Shot(3, time_s=0.4)]).Time
    assert time.frame_to_seconds(3) == 0.4 and time.fps == 1.0 and time.frame_to_seconds(2) == 2.0


def test_graphs() -> None:
    plot = Graph.plot([1, 2, np.nan, 4], y_label="cost in $", title="$")
    assert plot.image.size == (1000, 400)
    assert (
        "min=1.0000, max=4.0000, mean=2.3333, first=1.0000, last=4.0000, trend=increasing, 3 of 4" in plot.description
    )
    assert "trend=stable" in Graph.plot([1, 5, 1.01]).description
    assert "trend=decreasing" in Graph.plot([3, 2, 1]).description
    assert "trend=stable" in Graph.plot([2, 2]).description
    assert "2 of 3" in Graph.plot([1, 2, 3], validity=[True, False, True]).description
    assert "no valid value" in Graph.plot([np.nan]).description
    for wrong in (5, [], [[1, 2]]):
        with pytest.raises(ValueError, match="1-D"):
            Graph.plot(wrong)
    with pytest.raises(ValueError, match="validity"):
        Graph.plot([1, 2], validity=[True])


def test_drawing_leaves_the_picture_alone(notebook: Notebook) -> None:
    frame = notebook.InputImages[0]
    before = np.array(frame)
    boxed = Draw.draw_bbox(frame, [10, 10, 30, 30])
    assert np.array_equal(np.array(frame), before) and boxed.getpixel((10, 20)) == (255, 0, 0)
    assert Draw.draw_line(before, [[0, 5], [60, 5]], thickness=3).getpixel((30, 5)) == (0, 255, 0)
    dots = Draw.draw_point(Image.new("RGB", (50, 50)), [[5, 5], [40, 40]], colors=["tab:blue", (255, 255, 0)])
    assert dots.getpixel((40, 40)) == (255, 255, 0) and dots.getpixel((5, 5)) == (31, 119, 180)
    assert Draw.draw_point(before, [5, 5], colors=(1, 2, 3)).getpixel((5, 5)) == (1, 2, 3)


def test_drawing_explains_mistakes() -> None:
    picture = Image.new("RGB", (50, 50))
    with pytest.raises(ValueError, match=r"\[x1, y1, x2, y2\]"):
        Draw.draw_bbox(picture, [1, 2, 3])
    with pytest.raises(ValueError, match="finite"):
        Draw.draw_point(picture, [np.nan, 1])
    with pytest.raises(ValueError, match="'rde' is no color"):
        Draw.draw_bbox(picture, [1, 2, 3, 4], colors="rde")
    with pytest.raises(ValueError, match=r"\(300, 0, 0\)"):
        Draw.draw_bbox(picture, [1, 2, 3, 4], colors=(300, 0, 0))
    with pytest.raises(ValueError, match="2 shapes but 3 colors"):
        Draw.draw_point(picture, [[1, 2], [3, 4]], colors=["red", "green", "blue"])
    with pytest.raises(TypeError, match="uint8"):
        Draw.draw_point(np.zeros((5, 5, 3)), [1, 1])


def test_strokes_grow_with_the_picture() -> None:
    small, large = Image.new("RGB", (100, 100)), Image.new("RGB", (2000, 1000))
    for picture, width, radius in ((small, 2, 3), (large, 4, 8)):
        line = np.array(Draw.draw_line(picture, [0, 50, 90, 50]))
        assert (line[:, 40] == (0, 255, 0)).all(axis=-1).sum() == width
        dot = np.array(Draw.draw_point(picture, [50, 50]))
        assert (dot[50] == (0, 0, 255)).all(axis=-1).sum() == 2 * radius + 1


def test_one_colour_may_be_a_list_of_three_numbers() -> None:
    picture = Image.new("RGB", (50, 50))
    for colours in ([1, 2, 3], (1, 2, 3), np.array([1, 2, 3]), [(1, 2, 3)], [[1, 2, 3], [1, 2, 3]]):
        drawn = Draw.draw_point(picture, [[5, 5], [40, 40]], colors=colours)
        assert drawn.getpixel((5, 5)) == drawn.getpixel((40, 40)) == (1, 2, 3)
    named = Draw.draw_point(picture, [[5, 5], [20, 20], [40, 40]], colors=["red", "lime", "rebeccapurple"])
    assert named.getpixel((40, 40)) == (102, 51, 153)


def test_every_kind_of_picture_can_be_drawn_on(notebook: Notebook) -> None:
    frame = notebook.InputImages[0]
    for picture in (frame, frame.image, np.array(frame), Draw.draw_point(frame, [1, 1])):
        assert Draw.draw_point(picture, [30, 30]).getpixel((30, 30)) == (0, 0, 255)


def test_time_knows_several_videos() -> None:
    facts = Metadata(num_images=6, reconstruct_max_frames=64)
    facts.num_videos = 2
    facts.videos = [{"fps": 25.0, "total_frames": 100}, {"fps": 10.0, "total_frames": 30}]  # type: ignore[assignment]
    time = Time(facts)
    assert time.frame_to_seconds(50) == 2.0 and time.frame_to_seconds(50, video_index=2) == 5.0
    assert time.seconds_to_frame(99, video_index=2) == 29 and time.frame_range_to_seconds(0, 5, 2) == (0.0, 0.5)
    for wrong in (0, 3, 1.5):
        with pytest.raises(ValueError, match=f"video_index is {wrong}; it must be a whole number from 1 to 2"):
            time.frame_to_seconds(0, video_index=wrong)
