"""SAM3 and PerFrameMask."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Make, Notebook
from PIL import Image
from scene import CHAIR, OTHER_CHAIR, TABLE, Box, Shot

from spatialclaw.masks import PerFrameMask

ROOM = [CHAIR, TABLE, OTHER_CHAIR]


def test_text_finds_every_instance(make: Make) -> None:
    notebook = make(boxes=ROOM)
    seg = notebook.SAM3.segment_image_by_text(notebook.InputImages[1], "chair")
    assert seg.frame_indices == [10] and seg.masks.shape == (1, 2, 48, 64) and seg.masks.dtype == np.bool_
    assert seg.labels == ["chair_0", "chair_1"] and seg.object_ids == [1, 3] and seg.num_objects == 2
    table = notebook.SAM3.segment_image_by_text(notebook.InputImages[1], "table", label="desk")
    assert table.labels == ["desk"]


def test_text_found_nowhere_raises_with_the_engines_hint(notebook: Notebook) -> None:
    with pytest.raises(RuntimeError, match=r"'zebra'.*frame 0.*known names.*another frame"):
        notebook.SAM3.segment_image_by_text(notebook.InputImages[0], "zebra")


def test_a_threshold_leaves_weak_instances_out(make: Make) -> None:
    notebook = make(boxes=ROOM)
    seg = notebook.SAM3.segment_image_by_text(notebook.InputImages[1], "chair", confidence_threshold=0.5)
    assert seg.labels == ["chair"]
    with pytest.raises(ValueError, match="between 0 and 1"):
        notebook.SAM3.segment_image_by_text(notebook.InputImages[1], "chair", confidence_threshold=30)


def test_points_and_boxes_give_one_object(notebook: Notebook) -> None:
    frame = notebook.InputImages[0]
    whole = notebook.SAM3.segment_image_by_text(frame, "chair")
    x, y = (round(at) for at in notebook.Mask.centroid(whole.get_mask(0)))
    by_point = notebook.SAM3.segment_image_by_points(frame, [[x, y]], [1], label="seat")
    assert by_point.masks.shape == (1, 1, 48, 64) and by_point.labels == ["seat"]
    x1, y1, x2, y2 = notebook.Mask.bounding_box(whole.get_mask(0))
    for box in ([x1, y1, x2, y2], np.array([x1, y1, x2, y2]), (float(x1), y1, x2, y2)):
        assert np.array_equal(notebook.SAM3.segment_image_by_box(frame, box).masks, whole.masks)


def test_flat_points_and_boxes_are_repaired_with_a_note(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    frame = notebook.InputImages[0]
    x, y = notebook.Mask.centroid(notebook.SAM3.segment_image_by_text(frame, "chair").get_mask(0))
    notebook.SAM3.segment_image_by_points(frame, [x, y], 1)
    assert "taken as one point" in capsys.readouterr().out
    notebook.SAM3.segment_image_by_box(frame, [[0, 0, 63, 47]])
    assert "taken as one box" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        ("segment_image_by_points(InputImages[0], [], [])", ValueError, "points is empty"),
        ("segment_image_by_points(InputImages[0], [[1, 2]], [1, 0])", ValueError, "1 points but 2 point_labels"),
        ("segment_image_by_points(InputImages[0], [[1, 2]], [7])", ValueError, "1 (on the object) or 0"),
        ("segment_image_by_points(InputImages[0], [[1, 2]], [0])", ValueError, "holds no 1"),
        ("segment_image_by_points(InputImages[0], [[500, 2]], [1])", ValueError, "outside the 64x48"),
        ("segment_image_by_points(InputImages[0], [[0, 0]], [1])", RuntimeError, "no object was found for points"),
        ("segment_image_by_box(InputImages[0], [1, 2, 3])", ValueError, "[x1, y1, x2, y2]"),
        ("segment_image_by_box(InputImages[0], [9, 9, 2, 2])", ValueError, "x1 < x2"),
        ("segment_image_by_box(InputImages[0], [500, 500, 600, 600])", ValueError, "outside the 64x48"),
        ("segment_image_by_box(InputImages[0], [0, 0, 1, 1])", RuntimeError, "no object was found for box"),
        ("segment_image_by_text(InputImages[0], '  ')", ValueError, "prompt is '  '"),
        ("segment_image_by_text(InputImages[0], 7)", TypeError, "not int"),
        ("segment_image_by_text(7, 'chair')", TypeError, "image must be a FrameImage"),
        ("segment_image(InputImages[0])", RuntimeError, "segment_image_by_text"),
        ("segment_video('chair')", RuntimeError, "segment_video_by_text"),
        ("segment_video_by_points([[[1, 2]]], [[1]], ['a'])", RuntimeError, "segment_image_by_points"),
        ("segment_video_by_box([[1, 2, 3, 4]], ['a'])", RuntimeError, "segment_image_by_box"),
        ("is_object_exist([], 'chair')", ValueError, "images is empty"),
        ("is_object_exist(InputImages, '')", ValueError, "object_name"),
        ("segment_video_by_text([])", ValueError, "prompts is empty"),
        ("segment_video_by_text(['chair', 'table'], ['a'])", ValueError, "2 prompts but 1 labels"),
        ("segment_video_by_text('chair', frame_indices=[5])", ValueError, "[5] are no input frames"),
        ("segment_video_by_text('chair', start_frame=30)", ValueError, "no input frame lies in start_frame=30"),
        ("segment_video_by_text('zebra')", RuntimeError, "none of [zebra] was found in frames [0, 10, 20]"),
    ],
)
def test_every_mistake_is_named(notebook: Notebook, call: str, error: type[Exception], text: str) -> None:
    failure = notebook.run(f"SAM3.{call}")
    assert failure is not None and failure.kind == error.__name__, failure
    assert text in failure.message


def test_a_picture_of_the_cells_own_travels_as_png(notebook: Notebook) -> None:
    with pytest.raises(RuntimeError, match="the given 30x20 picture"):
        notebook.SAM3.segment_image_by_text(Image.new("RGB", (30, 20)), "chair")
    assert notebook.room.asked[-1][:4] == ("segment", "png", 30, 20)
    notebook.SAM3.segment_image_by_text(notebook.InputImages[2].image, "chair")
    assert notebook.room.asked[-1][1] == 20, "a frame's own picture goes by its index"


def test_video_follows_instances_by_identity(make: Make) -> None:
    moved = Box(1, "chair", (-1.2, 0.4, -3.0), (0.5, 0.8, 0.5))
    notebook = make(boxes=ROOM, moved={20: [moved, TABLE, OTHER_CHAIR], 10: [CHAIR, TABLE]})
    seg = notebook.SAM3.segment_video_by_text(["table", "chair"], labels=["desk", "seat"])
    assert seg.frame_indices == [0, 10, 20] and seg.labels == ["desk", "seat_0", "seat_1"]
    assert seg.object_ids == [2, 1, 3]
    assert not seg.get_mask(10, "seat_1").any(), "the other chair is not there in frame 10"
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    assert seg.get_centroid_3d(recon, 20, "seat_0")[0] < -0.9, "the same chair, elsewhere"


def test_video_matches_by_overlap_where_ids_mean_nothing(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    shots = [Shot(index, position=(0.02 * index, 1.5, 0)) for index in range(3)]
    notebook = make(shots, boxes=ROOM, stable_ids=False)
    seg = notebook.SAM3.segment_video_by_text("chair")
    assert "matched from frame to frame by overlap" in capsys.readouterr().out
    assert seg.num_objects == 2 and seg.object_ids == [0, 1]
    left = [notebook.Mask.centroid(seg.get_mask(index, 0))[0] for index in seg.frame_indices]
    right = [notebook.Mask.centroid(seg.get_mask(index, 1))[0] for index in seg.frame_indices]
    assert all(one < other for one, other in zip(left, right, strict=True))


def test_video_windows(notebook: Notebook) -> None:
    segment = notebook.SAM3.segment_video_by_text
    assert segment("chair", start_frame=0, end_frame=20).frame_indices == [0, 10]
    assert segment("chair", frame_indices=[20, 0]).frame_indices == [20, 0]
    assert segment("chair").num_frames == 3


def test_a_prompt_found_nowhere_keeps_an_empty_channel(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    seg = notebook.SAM3.segment_video_by_text(["zebra", "chair"])
    assert seg.labels == ["zebra", "chair"] and not seg.get_mask(0, "zebra").any() and seg.get_mask(0, "chair").any()
    assert "warning: 'zebra' was found in none of the frames" in capsys.readouterr().out


def test_existence_counts_and_never_hides_an_outage(notebook: Notebook) -> None:
    found = notebook.SAM3.is_object_exist(notebook.InputImages, "chair")
    assert found["exists"] == [True] * 3 and found["counts"] == [1] * 3 and "3 of 3" in found["summary"]
    absent = notebook.SAM3.is_object_exist(notebook.InputImages[0], "zebra")
    assert absent["exists"] == [False] and "known names" in absent["summary"]
    notebook.room.refuse = TimeoutError("no pod answered")
    with pytest.raises(TimeoutError):
        notebook.SAM3.is_object_exist(notebook.InputImages, "chair")


def test_masks_are_looked_up_by_position_or_label(make: Make) -> None:
    notebook = make(boxes=ROOM)
    seg = notebook.SAM3.segment_image_by_text(notebook.InputImages[0], "chair")
    assert np.array_equal(seg.get_mask(0, 1), seg.get_mask(0, "chair_1"))
    assert np.array_equal(seg[0][1], seg.get_mask(0, np.int64(1)))
    with pytest.raises(IndexError, match=r"object 2 is outside 0..1; labels are \[chair_0, chair_1\]"):
        seg.get_mask(0, 2)
    with pytest.raises(KeyError, match=r"'sofa'; labels are"):
        seg.get_mask(0, "sofa")
    with pytest.raises(TypeError, match="not float"):
        seg.get_mask(0, 1.0)
    with pytest.raises(KeyError, match="frame 9"):
        seg.get_mask(9)
    with pytest.raises(TypeError, match="loop `for fi in"):
        list(seg)


def test_the_centroid_is_the_median_of_confident_points(notebook: Notebook) -> None:
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    seg = notebook.SAM3.segment_image_by_text(notebook.InputImages[0], "chair")
    centre = seg.get_centroid_3d(recon, 0)
    assert centre.dtype == np.float32 and np.allclose(centre, np.median(seg.get_masked_points(recon, 0), axis=0))
    recon.confidence[:] = 0.2
    assert np.allclose(seg.get_centroid_3d(recon, 0), centre), "nobody confident: all points"


def test_the_centroid_of_nothing_is_nan_and_says_so(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = make(hole_px=64)
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    empty = PerFrameMask(np.zeros((1, 1, 48, 64), np.bool_), ["ghost"], [0])
    assert np.isnan(empty.get_centroid_3d(recon, 0)).all()
    assert "warning: the mask of object 0 in frame 0 is empty" in capsys.readouterr().out
    seg = notebook.SAM3.segment_image_by_text(notebook.InputImages[0], "chair")
    assert seg.get_masked_points(recon, 0).shape == (0, 3)
    assert np.isnan(seg.get_centroid_3d(recon, 0)).all()
    assert "has no measured points" in capsys.readouterr().out


def test_masks_of_another_size_are_refused(notebook: Notebook) -> None:
    recon = notebook.Reconstruct.Reconstruct(notebook.InputImages)
    small = PerFrameMask(np.ones((1, 1, 24, 32), np.bool_), ["thing"], [0])
    with pytest.raises(ValueError, match=r"24x32 .* 48x64.*InputImages"):
        small.get_masked_points(recon, 0)
    with pytest.raises(KeyError, match="frame 5"):
        PerFrameMask(np.ones((1, 1, 48, 64), np.bool_), ["thing"], [5]).get_masked_points(recon, 5)
    with pytest.raises(TypeError, match="Reconstruct.Reconstruct"):
        small.get_masked_points(recon.points, 0)
    with pytest.raises(ValueError, match=r"\(N, N_obj, H, W\)"):
        PerFrameMask(np.ones((24, 32), np.bool_), ["thing"], [0])


def test_visualize_draws_every_object(make: Make) -> None:
    notebook = make([Shot(15)], boxes=ROOM)
    seg = notebook.SAM3.segment_image_by_text(notebook.InputImages[0], "chair")
    drawn = seg.visualize(15)
    assert drawn.image.size == (64, 48) and drawn.frame_index == 15 and "chair_0" in drawn.description
    assert np.array_equal(np.array(seg.visualize(frame=15).image), np.array(drawn.image))
    for position in (0, 1):
        mask = seg.get_mask(15, position)
        assert (np.array(drawn.image)[mask] != 15).any(), "the background of frame 15 is grey 15"
    plain = PerFrameMask(np.zeros((1, 1, 48, 64), np.bool_), ["ghost"], [0]).visualize(0)
    assert (np.array(plain.image) == 128).all()
    other = seg.visualize(15, background=Image.new("RGB", (640, 480), "red"))
    assert other.image.size == (64, 48) and other.image.getpixel((0, 0)) == (255, 0, 0)


def test_visualize_explains_wrong_arguments(make: Make) -> None:
    notebook = make([Shot(15)])
    seg = notebook.SAM3.segment_image_by_text(notebook.InputImages[0], "chair")
    with pytest.raises(KeyError, match=r"frame 0 .*list position"):
        seg.visualize(0)
    with pytest.raises(TypeError, match="absolute frame index"):
        seg.visualize()
    with pytest.raises(TypeError, match="alpha"):
        seg.visualize(15, alpha=1)
