"""show, plt.show, log_visual and ReturnAnswer."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Notebook


def labels(notebook: Notebook) -> list[str]:
    return [label for _, label, _ in notebook.room.shown]


def test_show_is_named_by_its_source_at_run_time(notebook: Notebook) -> None:
    notebook.must(
        """
if False:
    show("never")
for frame in InputImages[:2]:
    show(frame)
show(InputImages[2],
     label="the last one")
"""
    )
    assert labels(notebook) == ["frame", "frame", "the last one"]
    assert [index for _, _, index in notebook.room.shown] == [0, 10, 20]
    assert [picture.size for picture in notebook.pictures()] == [(64, 48)] * 3


def test_show_takes_several_lists_generators_and_arrays(notebook: Notebook) -> None:
    notebook.must(
        """
show(InputImages[0], np.zeros((4, 6), np.uint8))
show(InputImages[:2])
show(f for f in InputImages)
show(*InputImages[:1])
feedback.show(SAM3.segment_image_by_text(InputImages[0], 'chair').visualize(0))
"""
    )
    assert labels(notebook) == [
        "InputImages[0]",
        "np.zeros((4, 6), np.uint8)",
        "InputImages[:2] (1/2)",
        "InputImages[:2] (2/2)",
        "(f for f in InputImages) (1/3)",
        "(f for f in InputImages) (2/3)",
        "(f for f in InputImages) (3/3)",
        "picture",
        "SAM3.segment_image_by_text(InputImages[0], 'chair').visualize(0)",
    ]


def test_show_checks_everything_before_it_shows_anything(notebook: Notebook) -> None:
    for code, text in [
        ("show(InputImages[0], 'a.png')", "not str"),
        ("show([InputImages[0], 5])", "[1] must be"),
        ("show(np.zeros((4, 4)))", "uint8"),
        ("show({'a': 1})", "not dict"),
        ("show([])", "empty list"),
        ("show(plt.figure())", "plt.show()"),
        ("show(SAM3.segment_image_by_text(InputImages[0], 'chair'))", "visualize"),
    ]:
        failure = notebook.run(code)
        assert failure is not None and text in failure.message, (code, failure)
    assert notebook.room.shown == []


def test_show_without_pictures_says_so(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    notebook.must("show()")
    assert "without a picture" in capsys.readouterr().out and notebook.room.shown == []


def test_plt_show_shows_and_closes_every_figure(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    notebook.must(
        """
plt.figure(); plt.plot([1, 2]); plt.title('first $')
figure, axes = plt.subplots(); figure.suptitle('second')
plt.figure()
plt.show(block=False)
assert plt.get_fignums() == []
plt.show()
figure.show()
"""
    )
    assert labels(notebook) == ["first $", "second", "matplotlib figure", "second"]
    assert "no figure is open" in capsys.readouterr().out


def test_long_labels_are_cut_and_kept_on_one_line(notebook: Notebook) -> None:
    notebook.must("show(InputImages[0], label='a\\nb' + 'x' * 500 + '\\ud800')")
    (label,) = labels(notebook)
    assert label.startswith("a bxx") and len(label) == 200


def test_log_visual_keeps_a_picture_for_the_record(notebook: Notebook) -> None:
    notebook.must("feedback.log_visual(InputImages[1], source='overview')")
    assert notebook.room.shown[0][1:] == ("for the log: overview", 10)


@pytest.mark.parametrize(
    ("given", "text", "number"),
    [
        ("' B '", "B", None),
        ("3", "3", 3.0),
        ("1.5", "1.5", 1.5),
        ("np.int64(4)", "4", 4.0),
        ("np.float32(0.5)", "0.5", 0.5),
        ("np.array(2.5)", "2.5", 2.5),
        ("np.str_('yes')", "yes", None),
        ("True", "yes", None),
        ("np.bool_(False)", "no", None),
        ("10**400", None, None),
    ],
)
def test_answers(notebook: Notebook, given: str, text: str | None, number: float | None) -> None:
    failure = notebook.run(f"ReturnAnswer({given})")
    if text is None:
        assert failure is not None and failure.kind == "ValueError"
    else:
        assert failure is None and notebook.room.answers == [(text, number)]


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        ("'  '", "ValueError", "non-empty"),
        ("float('nan')", "ValueError", "the answer is nan"),
        ("float('inf')", "ValueError", "the answer is inf"),
        ("np.array([1.0, 2.0])", "TypeError", "not ndarray"),
        ("None", "TypeError", "not NoneType"),
        ("'x' * 20000", "ValueError", "20000 characters"),
    ],
)
def test_answers_that_are_none(notebook: Notebook, given: str, kind: str, text: str) -> None:
    failure = notebook.run(f"ReturnAnswer({given})")
    assert failure is not None and failure.kind == kind and text in failure.message
    assert notebook.room.answers == []


def test_an_answer_does_not_stop_the_cell(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    failure = notebook.run("ReturnAnswer('A')\nReturnAnswer('B')\n1 / 0")
    assert failure is not None and failure.kind == "ZeroDivisionError"
    assert notebook.room.answers == [("A", None), ("B", None)]
    assert "answer submitted: B" in capsys.readouterr().out


def test_pictures_keep_their_pixels(notebook: Notebook) -> None:
    notebook.names["picture"] = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    notebook.must("show(picture)")
    assert np.array_equal(np.array(notebook.pictures()[0]), notebook.names["picture"])


def test_a_picture_too_large_to_send_is_refused_with_a_size(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spatialclaw.feedback._PNG_LIMIT", 1000)
    failure = notebook.run("show(np.random.default_rng(0).integers(0, 255, (300, 200, 3), np.uint8))")
    assert failure is not None and "200x300" in failure.message and "resize" in failure.message
