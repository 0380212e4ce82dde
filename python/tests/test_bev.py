"""The map from above."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Make, Notebook
from scene import CHAIR, TABLE, Box, Shot

from spatialclaw._bev import _window
from spatialclaw._footprints import (
    Footprint,
    axes,
    direction_words,
    footprints,
    sides,
    smallest_rectangle,
    unbroken,
)
from spatialclaw.masks import PerFrameMask

# Large enough that a mask without its rim still holds an object's top.
LARGE = (256, 192)


@pytest.fixture
def large(make: Make) -> Notebook:
    return make([Shot(index, LARGE, (0.02 * index, 1.5, 0.0)) for index in (0, 10, 20)])


def test_the_map_says_where_things_stand(large: Notebook) -> None:
    notebook = large
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    seg = notebook.SAM3.segment_video_by_text(["chair", "table"])
    drawn = recon.render_bev(masks=seg)
    assert drawn.image.size == (800, 800) and drawn.image.mode == "RGB"
    assert "chair: at right 0.58, forward 2.75" in drawn.description and "table: at right -0.97" in drawn.description
    assert "cameras of frames [10, 20] (blue)" in drawn.description
    assert np.array(drawn.image).std() > 5


def test_prompts_are_segmented_on_the_spot(notebook: Notebook) -> None:
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages[1:])
    drawn = recon.render_bev(prompts="chair")
    assert "chair: at" in drawn.description and "frame 10 (red)" in drawn.description
    with pytest.raises(ValueError, match="not both"):
        recon.render_bev(prompts="chair", masks=np.zeros((2, 1, 48, 64), np.bool_))
    with pytest.raises(RuntimeError, match="zebra"):
        recon.render_bev(prompts=["zebra"])


def test_a_moving_thing_is_an_arrow(make: Make) -> None:
    def chair(x: float) -> list[Box]:
        return [Box(1, "chair", (x, 0.4, -3.0), (0.5, 0.8, 0.5)), TABLE]

    notebook = make([Shot(at, LARGE) for at in range(3)], moved={1: chair(1.0), 2: chair(1.4)}, video=(1.0, 3, 3.0))
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    drawn = recon.render_bev(prompts=["chair", "table"])
    assert "chair: moves right" in drawn.description and "table: at" in drawn.description
    assert "camera path" in drawn.description


def test_masks_are_paired_by_absolute_index_not_by_position(make: Make) -> None:
    notebook = make([Shot(index) for index in range(21)])
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages[::10])
    dense = notebook.SAM3.segment_video_by_text("chair")
    # Were rows paired by position, these misleading frames would be taken for 10 and 20.
    dense.masks[1:3] = False
    dense.masks[1:3, 0, :10, :10] = True
    found, lost = footprints(recon, dense, axes(recon.extrinsics[0]), 0.1)
    assert not lost and not found[0].moving and len(found[0].path) == 3
    assert np.allclose(np.median(found[0].points[:, 0]), 0.6, atol=0.1)


def test_the_reference_frame_is_absolute(make: Make) -> None:
    notebook = make([Shot(15), Shot(30, position=(0.5, 1.5, 0.0))])
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    assert "frame 15 (red)" in recon.render_bev().description and recon.render_bev().frame_index is None
    assert "frame 30 (red)" in recon.render_bev(ref_frame=30).description
    with pytest.raises(KeyError, match=r"frame 1 .*\[15, 30\]"):
        recon.render_bev(ref_frame=1)
    assert "cameras" not in recon.render_bev(ego_trajectory=False).description


def test_bare_arrays_need_one_set_for_each_frame(notebook: Notebook) -> None:
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    masks = notebook.SAM3.segment_video_by_text("chair").masks
    assert "obj_0: at" in recon.render_bev(masks=masks).description
    assert "stool: at" in recon.render_bev(masks=masks, labels=["stool"]).description
    with pytest.raises(ValueError, match="N=3"):
        recon.render_bev(masks=masks[:2])
    with pytest.raises(TypeError, match="PerFrameMask"):
        recon.render_bev(masks="chair")


def test_what_cannot_be_placed_is_said(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    ghost = PerFrameMask(np.zeros((1, 1, 48, 64), np.bool_), ["_$ghost$"], [0])
    recon.render_bev(masks=ghost)
    assert "warning: _$ghost$" in capsys.readouterr().out


def test_labels_are_text_not_mathematics(notebook: Notebook) -> None:
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    seg = notebook.SAM3.segment_video_by_text("chair", labels=["a $20 \\chair_ {x"])
    assert recon.render_bev(masks=seg).image.size == (800, 800)
    assert seg.visualize(0).image.size == (64, 48)


def test_the_axes_agree_with_the_camera() -> None:
    for yaw in np.linspace(0, 2 * np.pi, 9):
        forward = np.array([np.sin(yaw), 0, -np.cos(yaw)])
        pose = np.eye(4)
        pose[:3, 0], pose[:3, 1], pose[:3, 2] = np.cross(forward, (0, 1, 0)), (0, -1, 0), forward
        view = axes(pose)
        assert np.allclose(view.right, pose[[0, 2], 0]) and np.allclose(view.forward, forward[[0, 2]])
    down = np.diag([1.0, -1.0, -1.0, 1.0])
    down[:3, 2] = (0, -1, 0)
    assert np.array_equal(axes(down).forward, (0, 1))


def test_rectangles() -> None:
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    corners = np.array([(0, 0), (2, 0), (2, 1), (0, 1), (1, 0.5)]) @ turn.T
    assert sorted(sides(smallest_rectangle(corners))) == pytest.approx([1, 2])
    on_a_line = np.array([(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (3.0, 0.0)])
    assert sides(smallest_rectangle(on_a_line)) == pytest.approx((3, 0))


def test_directions_in_words() -> None:
    assert direction_words(np.array([0.0, 1.0])) == "forward"
    assert direction_words(np.array([-1.0, 0.1])) == "left"
    assert direction_words(np.array([1.0, -1.0])) == "backward+right"
    assert direction_words(np.zeros(2)) == "stationary"


def test_a_path_breaks_where_the_thing_was_lost() -> None:
    steps = np.array([0.1, 0.11, 0.1, 5.0, 0.1, 0.1])
    path = np.stack([np.concatenate([[0], np.cumsum(steps)]), np.zeros(7)], axis=1)
    assert [len(part) for part in unbroken(path)] == [4, 3]
    assert len(unbroken(path[:4])) == 1


def test_the_chair_is_where_it_is(large: Notebook) -> None:
    notebook = large
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    seg = notebook.SAM3.segment_video_by_text("chair")
    (found,), _ = footprints(recon, seg, axes(recon.extrinsics[0]), 0.1)
    assert found.corners is not None
    assert max(sides(found.corners)) == pytest.approx(CHAIR.sides[0], abs=0.06)
    assert found.points[:, 0].min() > CHAIR.centre[0] - CHAIR.sides[0] / 2 - 0.1
    assert found.points[:, 1].max() < -CHAIR.centre[2] + CHAIR.sides[2] / 2 + 0.1


def test_what_is_not_confident_is_not_on_the_map(large: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    recon = large.Reconstruct.Reconstruct(large.InputImages)
    seg = large.SAM3.segment_video_by_text("chair")
    recon.confidence[:] = 0.1
    assert "chair: at" not in recon.render_bev(masks=seg).description
    assert "warning: chair: fewer than 4 measured points" in capsys.readouterr().out
    assert "chair: at" in recon.render_bev(masks=seg, conf_threshold=0.05).description


def test_a_speck_far_away_does_not_widen_a_thing(large: Notebook) -> None:
    recon = large.Reconstruct.Reconstruct(large.InputImages)
    seg = large.SAM3.segment_video_by_text("chair")
    seg.masks[:, 0, :8, :8] = True  # the wall, three metres behind
    (found,), _ = footprints(recon, seg, axes(recon.extrinsics[0]), 0.1)
    assert found.corners is not None and max(sides(found.corners)) < 0.6


def test_masks_of_another_size_are_brought_to_the_points(large: Notebook) -> None:
    recon = large.Reconstruct.Reconstruct(large.InputImages)
    seg = large.SAM3.segment_video_by_text("chair")
    half = PerFrameMask(seg.masks[:, :, ::2, ::2], ["chair"], seg.frame_indices)
    ours, whole = recon.render_bev(masks=half).description, recon.render_bev(masks=seg).description
    assert "chair: at right 0.5" in ours and "chair: at right 0.5" in whole


def test_things_move_only_if_they_move_far_for_their_size(make: Make) -> None:
    def chair(x: float) -> list[Box]:
        return [Box(1, "chair", (x, 0.4, -3.0), (0.5, 0.8, 0.5))]

    for step, moves in ((0.02, False), (0.3, True)):
        notebook = make([Shot(0, LARGE), Shot(1, LARGE)], boxes=chair(0.0), moved={1: chair(step)})
        recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
        seg = notebook.SAM3.segment_video_by_text("chair")
        (found,), _ = footprints(recon, seg, axes(recon.extrinsics[0]), 0.1)
        assert found.moving == moves, step


def test_the_shown_square_holds_everything_and_is_never_tiny(notebook: Notebook) -> None:
    centre, span = _window(np.zeros((1, 2)), [])
    assert centre.tolist() == [0, 0] and span == 1.0
    wide = Footprint("a", np.zeros((4, 2)), np.empty((0, 2)), False, np.array([[1.0, 0], [5, 0], [5, 2], [1, 2]]))
    centre, span = _window(np.zeros((1, 2)), [wide])
    assert centre.tolist() == [2.5, 1] and span == 5.0


def test_the_reference_camera_is_red_and_others_are_blue(make: Make) -> None:
    notebook = make([Shot(15), Shot(30, position=(1.0, 1.5, 0.0))])
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    for reference in (15, 30):
        drawn = recon.render_bev(ref_frame=reference)
        assert f"frame {reference} (red)" in drawn.description
        assert f"cameras of frames [{45 - reference}] (blue)" in drawn.description
        pixels = np.array(drawn.image).astype(int)
        red = (pixels[..., 0] > 200) & (pixels[..., 2] < 150) & (pixels[..., 1] < 150)
        blue = (pixels[..., 2] > 200) & (pixels[..., 0] < 150) & (pixels[..., 1] < 150)
        assert red.sum() > blue.sum() > 0, "the reference camera is drawn larger"
