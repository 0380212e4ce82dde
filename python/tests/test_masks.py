"""Masks: what the contract says beyond what SAM3's own tests show."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Make, Notebook
from scene import CHAIR, OTHER_CHAIR, TABLE, Shot

from spatialclaw.masks import PerFrameMask
from spatialclaw.tools.mask import Mask


def test_positive_and_negative_points_reach_the_engine_as_given(notebook: Notebook) -> None:
    frame = notebook.InputImages[0]
    x, y = notebook.Mask.centroid(notebook.SAM3.segment_image_by_text(frame, "chair").get_mask(0))
    notebook.SAM3.segment_image_by_points(frame, [[x, y], [1, 2]], [1, 0])
    assert notebook.room.asked[-1][-1] == [(x, y, True), (1.0, 2.0, False)]


def test_instances_that_a_mask_holds_fit_its_arrays(make: Make) -> None:
    notebook = make(boxes=[CHAIR, TABLE, OTHER_CHAIR])
    found = notebook.SAM3.segment_video_by_text(["chair", "table"])
    assert found.masks.dtype == np.bool_ and found.masks.shape == (3, 3, 48, 64)
    assert found.num_objects == len(found.labels) == len(found.object_ids) == 3
    assert found[10].shape == (3, 48, 64) and found.get_mask(10, "table").shape == (48, 64)


def test_a_mask_without_objects_is_drawn_as_its_background() -> None:
    picture = np.full((20, 30, 3), 9, np.uint8)
    nothing = PerFrameMask(np.zeros((1, 0, 20, 30), np.bool_), [], [4], backgrounds={4: picture})
    assert (np.array(nothing.visualize(4).image) == 9).all()
    with pytest.raises(IndexError, match="object 0"):
        nothing.get_mask(4)


def test_fill_outline_and_name_are_drawn_as_described() -> None:
    mask = np.zeros((1, 2, 200, 300), np.bool_)
    mask[0, 0, 20:180, 20:140] = mask[0, 1, 20:180, 160:280] = True
    seg = PerFrameMask(mask, ["left", "right"], [7], [3, 5])
    drawn = np.array(seg.visualize(7).image).astype(int)
    assert drawn.shape == (200, 300, 3) and (drawn[5, 5] == 128).all(), "grey where nothing is known"
    fills = [drawn[30, 30], drawn[30, 170]]
    assert not np.array_equal(*fills), "each object has its own colour"
    for fill in fills:
        assert (np.abs(2 * fill - 128 - np.clip(2 * fill - 128, 0, 255)) <= 1).all(), "half colour, half background"
    for row in (19, 20):
        assert (drawn[row, 60] > 210).all(), "two pixels of white"
    assert (drawn[22, 60] == fills[0]).all() and (drawn[18, 60] == 128).all()
    assert (drawn[95:105, 60:100] < 40).all(axis=-1).any(), "a dark box with the name at the mask's middle"


def test_quantiles_come_out_as_numpy_gives_them() -> None:
    rng = np.random.default_rng(8)
    for density in (0.001, 0.01, 0.3, 0.9):
        mask = rng.uniform(size=(97, 131)) < density
        rows, columns = np.nonzero(mask)
        assert Mask.centroid(mask) == (np.median(columns), np.median(rows))
        assert Mask.centroid(mask.astype(np.float32)) == Mask.centroid(mask)
        low, high = (1, 99) if len(rows) > 100 else (0, 100)
        expected = [np.floor(np.percentile(axis, low)) for axis in (columns, rows)]
        expected += [np.ceil(np.percentile(axis, high)) for axis in (columns, rows)]
        assert Mask.bounding_box(mask) == tuple(expected)


def test_the_percentile_rule_begins_above_a_hundred_pixels() -> None:
    exactly = np.zeros((50, 50), np.bool_)
    exactly[10:19, 10:21] = True
    exactly[40, 45] = True
    assert Mask.area(exactly) == 100 and Mask.bounding_box(exactly) == (10, 10, 45, 40)
    exactly[9, 10:40] = True
    assert Mask.area(exactly) == 130
    box = Mask.bounding_box(exactly)
    assert box is not None and box[3] < 40


def test_frames_that_only_one_side_has_are_named(make: Make) -> None:
    notebook = make([Shot(0), Shot(10)])
    seg = notebook.SAM3.segment_video_by_text("chair")
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages[:1])
    with pytest.raises(KeyError, match=r"frame 10 is not among this Reconstruction's frames \[0\]"):
        seg.get_masked_points(recon, 10)
    with pytest.raises(KeyError, match=r"frame 99 is not among this PerFrameMask's frames"):
        seg.get_centroid_3d(recon, 99)
