"""Reconstruct and what it returns."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Make, Notebook
from PIL import Image
from scene import CHAIR, Shot


def test_points_lie_where_the_room_is(notebook: Notebook) -> None:
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    assert recon.frame_indices == [0, 10, 20] and recon.num_frames == len(recon) == 3
    assert recon.points[10].shape == (48, 64, 3) and recon.points[10].dtype == np.float32
    assert recon.points.points.shape == (3, 48, 64, 3)
    corner = recon.points[0][-1, :8]
    assert np.allclose(corner[:, 1], 0, atol=1e-5), "the lower left corner sees the floor"
    assert np.isclose(recon.points[0][..., 1].min(), 0, atol=1e-5)
    assert np.isclose(recon.points[0][..., 2].min(), -6, atol=1e-4), "the wall is six metres away"


def test_single_and_all_points_agree(notebook: Notebook) -> None:
    one = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    single = one.points[10].copy()
    assert np.array_equal(one.points.points[1], single)
    assert np.array_equal(one.points[10], single)


def test_cameras_and_facts(notebook: Notebook) -> None:
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    pose = recon.extrinsics[0]
    assert pose.shape == (4, 4) and pose.dtype == np.float64
    assert np.allclose(pose[:3, 1], (0, -1, 0)) and np.allclose(pose[:3, 2], (0, 0, -1))
    assert np.allclose(recon.extrinsics[20][:3, 3], (0.4, 1.5, 0))
    assert recon.intrinsics[0].keys() == {"fx", "fy", "cx", "cy"} and recon.intrinsics.fx.shape == (3,)
    assert (recon.metric_scale, recon.gravity_source, recon.scale_source) == (1.0, "world_up", "measured")
    assert np.array_equal(recon.gravity_direction, (0, 1, 0))
    assert recon.confidence is recon.points.confidence and recon.confidence.shape == (3, 48, 64)
    assert "gravity_source='world_up'" in repr(recon) and "recon.points[fi]" in repr(recon)


def test_a_subset_is_paired_by_absolute_index(notebook: Notebook) -> None:
    recon = notebook.Reconstruct.Reconstruct([notebook.InputImages[2], notebook.InputImages[0]])
    assert recon.frame_indices == [20, 0]
    assert np.allclose(recon.extrinsics[20][0, 3], 0.4) and np.allclose(recon.extrinsics[0][0, 3], 0)


def test_a_single_frame_or_its_own_picture_is_enough(notebook: Notebook) -> None:
    frame = notebook.InputImages[1]
    assert notebook.Reconstruct.Reconstruct(frame).frame_indices == [10]
    assert notebook.Reconstruct.Reconstruct(frame.image).frame_indices == [10]
    assert notebook.Reconstruct.Reconstruct((frame,), frame_indices=[10]).frame_indices == [10]


def test_wrong_frames_are_named(notebook: Notebook) -> None:
    call, images = notebook.Reconstruct.Reconstruct, notebook.InputImages
    with pytest.raises(TypeError, match="not str"):
        call("all")
    with pytest.raises(TypeError, match=r"frames\[1\] is a int.*InputImages"):
        call([images[0], 10])
    with pytest.raises(ValueError, match="empty"):
        call([])
    with pytest.raises(ValueError, match=r"\[10\] are given more than once"):
        call([images[1], images[1]])
    with pytest.raises(ValueError, match="no input frame"):
        call([Image.new("RGB", (64, 48))])
    with pytest.raises(ValueError, match=r"1 frames but 2 frame_indices"):
        call([images[0]], frame_indices=[0, 1])
    with pytest.raises(ValueError, match=r"frame_indices holds 5.*\[0, 10, 20\]"):
        call([images[0]], frame_indices=[5])


def test_too_many_frames_suggest_a_stride(make: Make) -> None:
    notebook = make([Shot(index) for index in range(7)], max_frames=3)
    with pytest.raises(ValueError, match=r"limit of 3.*InputImages\[::3\]"):
        notebook.Reconstruct.Reconstruct(notebook.InputImages)
    assert notebook.Reconstruct.Reconstruct(notebook.InputImages[::3]).num_frames == 3


def test_what_was_not_read_never_surprises(make: Make) -> None:
    notebook = make(hole_px=40)
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    assert np.isnan(recon.depth[0][0, 0]) and np.isnan(recon.points[0][0, 0]).all()
    assert recon.confidence[0, 0, 0] == 0
    everything = notebook.SAM3.segment_image_by_text(notebook.InputImages[0], "table")
    points = everything.get_masked_points(recon, 0)
    assert np.isfinite(points).all() and len(points) < everything.get_mask(0).sum()
    assert np.isfinite(everything.get_centroid_3d(recon, 0)).all()


def test_the_hosts_refusal_reaches_the_cell(notebook: Notebook) -> None:
    notebook.room.refuse = RuntimeError("a single photo has no depth here; give a stereo pair")
    with pytest.raises(RuntimeError, match="stereo pair"):
        notebook.Reconstruct.Reconstruct(notebook.InputImages)


def test_containers_explain_wrong_lookups(make: Make) -> None:
    notebook = make([Shot(15), Shot(30)])
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    with pytest.raises(KeyError, match=r"frame 0 .*\[15, 30\].*list position.*15"):
        recon.depth[0]
    with pytest.raises(KeyError, match=r"frame 7 .*\[15, 30\]"):
        recon.points[7]
    with pytest.raises(TypeError, match="not float"):
        recon.points[15.0]
    with pytest.raises(TypeError, match="not bool"):
        recon.points[True]
    with pytest.raises(TypeError, match=r"frame_indices"):
        list(recon.depth)
    with pytest.raises(TypeError, match=r"recon.points\[15\]"):
        recon[15]
    assert recon.points[np.int64(15)].shape == (48, 64, 3)
    assert recon.depth.get_by_frame_index(30) == 1 and 30 in recon.depth and 31 not in recon.depth


def test_alignment_of_containers(notebook: Notebook) -> None:
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    other = notebook.Reconstruct.Reconstruct(notebook.InputImages[:2])
    assert recon.depth.validate_alignment(recon.points)
    assert not recon.depth.validate_alignment(other.depth, strict=False)
    with pytest.raises(ValueError, match="frames differ"):
        recon.depth.validate_alignment(other.depth)


def test_long_lists_are_shortened_in_reprs(make: Make) -> None:
    notebook = make([Shot(index) for index in range(9)])
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    assert "[0, 1, …, 7, 8]" in repr(recon.depth) and "NaN" in repr(recon.depth)


def test_frames_of_mixed_sizes_share_one_world(make: Make) -> None:
    shots = [Shot(0, (64, 48)), Shot(1, (40, 60), position=(0.3, 1.5, 0))]
    notebook = make(shots)
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    assert recon.depth.depth.shape == (2, 60, 64)
    assert recon.size_of(0) == (48, 64) and recon.size_of(1) == (60, 40)
    assert np.isnan(recon.depth[0][50, 10]) and np.isnan(recon.depth[1][10, 50])
    assert np.isclose(recon.intrinsics[0]["fx"], 0.8 * 64) and np.isclose(recon.intrinsics[0]["cy"], 23.5)
    assert np.isclose(recon.intrinsics[1]["fx"], 0.8 * 40) and np.isclose(recon.intrinsics[1]["cx"], 19.5)
    for frame in (0, 1):
        seg = notebook.SAM3.segment_image_by_text(notebook.InputImages[frame], "chair")
        near = seg.get_centroid_3d(recon, frame)
        assert np.allclose(near[[0, 1]], CHAIR.centre[:2], atol=0.2)
        assert np.isclose(near[2], CHAIR.centre[2] + CHAIR.sides[2] / 2, atol=0.25)
    both = notebook.SAM3.segment_video_by_text("chair")
    assert both.masks.shape == (2, 1, 60, 64)
    assert len(both.get_masked_points(recon, 1)) == both.get_mask(1).sum()
    assert both.visualize(1).image.size == (40, 60)
