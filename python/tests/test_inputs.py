"""InputImages, FrameImage, Metadata, VisualFeedback and the names that are bound."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Make, Notebook
from PIL import Image
from scene import Shot

from spatialclaw.images import VisualFeedback, decode, scaled_size, to_pil
from spatialclaw.metadata import Metadata


def test_a_slice_keeps_absolute_indices(make: Make) -> None:
    images = make([Shot(index) for index in (3, 7, 11, 15, 19, 23)]).InputImages
    assert images[2:5].frame_indices == images.frame_indices[2:5] == [11, 15, 19]
    assert isinstance(images[2:5], type(images)) and isinstance(images, list)
    assert images[-1].frame_index == 23 and [frame.frame_index for frame in images][:2] == [3, 7]
    assert repr(images[:2]) == "InputImages(2 images, frame_indices=[3, 7])"


def test_a_position_outside_names_positions_and_indices(notebook: Notebook) -> None:
    with pytest.raises(IndexError, match=r"InputImages\[10\].*positions go from 0 to 2.*\[0, 10, 20\]"):
        notebook.InputImages[10]


def test_frames_load_when_looked_at(notebook: Notebook) -> None:
    frame = notebook.InputImages[1]
    assert (frame.size, frame.width, frame.height, frame.is_loaded) == ((64, 48), 64, 48, False)
    array = np.array(frame)
    assert (array.shape, array.dtype) == ((48, 64, 3), np.uint8) and frame.is_loaded
    assert frame.crop((0, 0, 5, 4)).size == (5, 4) and frame.convert("L").mode == "L"
    assert not isinstance(frame, Image.Image) and "frame_index=10" in repr(frame)
    with pytest.raises(AttributeError):
        frame.no_such_thing  # noqa: B018


def test_large_frames_are_scaled_never_cropped_never_up() -> None:
    assert scaled_size(1920, 1080, 768) == (768, 432)
    assert scaled_size(1080, 1920, 768) == (432, 768)
    assert scaled_size(3000, 1000, 768) == (768, 256)
    assert scaled_size(640, 480, 768) == (640, 480)


def test_pictures_are_decoded_upright_and_as_rgb(tmp_path) -> None:  # type: ignore[no-untyped-def]
    turned = Image.new("RGB", (8, 4))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    assert decode((tmp_path / "turned.jpg").read_bytes(), (4, 8)).size == (4, 8)
    Image.fromarray(np.full((4, 4), 65535, np.uint16)).save(tmp_path / "deep.png")
    assert decode((tmp_path / "deep.png").read_bytes(), (4, 4)).getpixel((0, 0)) == (255, 255, 255)
    Image.new("CMYK", (4, 4)).save(tmp_path / "cmyk.jpg")
    assert decode((tmp_path / "cmyk.jpg").read_bytes(), (4, 4)).mode == "RGB"


def test_metadata_of_images_and_of_a_video(make: Make) -> None:
    images = make().Metadata
    assert (images.is_video, images.fps, images.total_frames, images.duration_sec, images.num_images) == (
        False,
        None,
        3,
        None,
        3,
    )
    assert (images.num_videos, images.videos, images.reconstruct_max_frames) == (1, None, 64)
    video = make(video=(25.0, 250, 0.0)).Metadata
    assert (video.is_video, video.fps, video.total_frames, video.duration_sec) == (True, 25.0, 250, 10.0)
    assert video.to_dict()["fps"] == 25.0 and "fps=25.0" in repr(video)


def test_an_empty_video_record_is_no_video() -> None:
    facts = Metadata(num_images=2, reconstruct_max_frames=64, video=(0.0, 0, 0.0))
    assert not facts.is_video and facts.fps is None and facts.total_frames == 2


def test_visual_feedback_holds_a_pil_image() -> None:
    picture = VisualFeedback(Image.new("RGB", (2, 2)), "me", "a picture", frame_index=4)
    assert (picture.source, picture.description, picture.frame_index) == ("me", "a picture", 4)
    with pytest.raises(TypeError, match="PIL image, not ndarray"):
        VisualFeedback(np.zeros((2, 2, 3), np.uint8), "me", "no picture")  # type: ignore[arg-type]


def test_what_counts_as_a_picture() -> None:
    assert to_pil(np.zeros((4, 6), np.uint8), "x").size == (6, 4)
    with pytest.raises(TypeError, match=r"uint8.*astype"):
        to_pil(np.zeros((4, 6)), "x")
    with pytest.raises(ValueError, match=r"shape \(4, 6, 2\)"):
        to_pil(np.zeros((4, 6, 2), np.uint8), "x")
    with pytest.raises(TypeError, match="not str"):
        to_pil("a.png", "x")


def test_every_import_spelling_works(notebook: Notebook) -> None:
    notebook.must(
        """
import tools, feedback
from tools import SAM3, Geometry as G
from tools.SAM3 import segment_image_by_text
import tools.Mask as M
from feedback import show as look
assert tools.SAM3 is SAM3 and G is Geometry and M is Mask
assert segment_image_by_text(InputImages[0], 'chair').num_objects == 1
assert tools.Reconstruct.Reconstruct(InputImages).num_frames == Reconstruct(InputImages).num_frames
from tools.Time import fps
assert feedback.show is not None and callable(look) and fps == 1.0
tools = None
assert Geometry.euclidean_distance([0, 0, 0], [0, 3, 4]) == 5.0
"""
    )


def test_what_is_bound_and_what_is_not(notebook: Notebook) -> None:
    expected = (
        "np math collections itertools functools matplotlib plt scipy ndimage spatial signal optimize InputImages"
    )
    expected += " Metadata tools vlm feedback show ReturnAnswer Reconstruct SAM3 Geometry Mask Time Graph Draw"
    assert set(expected.split()) == notebook.names.keys()
    for absent in ("RefImages", "InputImages_1", "tools.EasyOCR"):
        failure = notebook.run(absent)
        assert failure is not None and failure.kind in ("NameError", "AttributeError"), absent


def test_a_frame_that_the_host_cannot_deliver_raises_what_it_says(notebook: Notebook) -> None:
    notebook.room.refuse = RuntimeError("frame 0 is gone")
    with pytest.raises(RuntimeError, match="frame 0 is gone"):
        np.array(notebook.InputImages[0])
    assert np.array(notebook.InputImages[0]).shape == (48, 64, 3)
