"""Questions to the vision model."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import wire
from conftest import Make, Notebook
from PIL import Image
from scene import Shot
from template import Kernel

from spatialclaw import vlm


def test_a_question_reaches_the_host_and_is_printed_with_its_answer(
    notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook.must("told = vlm.locate(InputImages[1], ' centre of the chair as (x,y)? ')")
    assert notebook.told == "(500, 500)"
    assert notebook.room.asked == [("vision", "locate", [(64, 48)], [10], "centre of the chair as (x,y)?")]
    assert capsys.readouterr().out == "vlm.locate, 1 picture\nQ: centre of the chair as (x,y)?\nA: (500, 500)\n"


def test_whatever_show_takes_can_be_asked_about(notebook: Notebook) -> None:
    notebook.must(
        "seg = SAM3.segment_image_by_text(InputImages[0], 'chair')\n"
        "many = [InputImages[0], seg.visualize(0), np.zeros((4, 6), np.uint8), InputImages[2].image]\n"
        "vlm.ask_with_thinking(many, 'Which one shows the chair?')\n"
        "vlm.ask_with_thinking((frame for frame in InputImages), 'And now?')"
    )
    asked = [call[1:4] for call in notebook.room.asked if call[0] == "vision"]
    assert asked == [
        ("think", [(64, 48), (64, 48), (6, 4), (64, 48)], [0, 0, None, None]),
        ("think", [(64, 48)] * 3, [0, 10, 20]),
    ]


@pytest.mark.parametrize(("call", "limit"), [("vlm.locate", 8), ("vlm.ask_with_thinking", 64)])
def test_excess_pictures_are_cut_with_a_notice_and_not_loaded(
    make: Make, capsys: pytest.CaptureFixture[str], call: str, limit: int
) -> None:
    notebook = make([Shot(index) for index in range(limit + 2)])
    notebook.must(f"{call}(InputImages, 'what?')")
    assert len(notebook.room.asked[0][2]) == limit
    assert f"the first {limit} of {limit + 2} are asked about" in capsys.readouterr().out
    assert not notebook.InputImages[limit].is_loaded
    notebook.must(f"{call}((frame for frame in InputImages), 'what?')")
    assert len(notebook.room.asked[1][2]) == limit


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("vlm.locate('chair.png', 'where?')", "TypeError", "vlm.locate's first argument must be a FrameImage"),
        ("vlm.locate([InputImages[0], 3], 'where?')", "TypeError", "first argument [1]"),
        ("vlm.locate(np.zeros((4, 4)), 'where?')", "TypeError", "float64"),
        ("vlm.locate([], 'where?')", "ValueError", "empty list"),
        ("vlm.locate(InputImages[0], 7)", "TypeError", "must be a str, not int"),
        ("vlm.locate(InputImages[0], '  ')", "ValueError", "blank question"),
        ("vlm.ask_with_thinking(InputImages[0], 'x' * 5000)", "ValueError", "5000 characters"),
    ],
)
def test_bad_input_is_an_exception_and_asks_nobody(notebook: Notebook, code: str, kind: str, words: str) -> None:
    failure = notebook.run(code)
    assert failure is not None
    assert failure[0] == kind
    assert words in failure[1]
    assert notebook.room.asked == []


def test_a_model_that_does_not_answer_is_a_text(notebook: Notebook) -> None:
    notebook.room.told = "[vlm error] unavailable: nobody is there"
    notebook.must("told = vlm.locate(InputImages[0], 'where?')\nassert told.startswith('[vlm error]')")


def test_a_spent_budget_is_an_exception(notebook: Notebook) -> None:
    notebook.room.refuse = RuntimeError("no tool calls are left")
    failure = notebook.run("vlm.locate(InputImages[0], 'where?')")
    assert failure is not None
    assert failure[0] == "RuntimeError"


def test_every_spelling_is_the_same_thing(notebook: Notebook) -> None:
    notebook.must(
        "ours = vlm.locate\n"
        "import vlm\n"
        "from vlm import locate, ask_with_thinking\n"
        "assert vlm.locate == locate == ours\n"
        "locate(InputImages[0], 'where?')"
    )
    assert len(notebook.room.asked) == 1


def test_large_pictures_are_scaled_and_many_are_made_to_fit(
    monkeypatch: pytest.MonkeyPatch, notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook.must("from PIL import Image\nvlm.locate(Image.new('RGB', (4096, 2048)), 'where?')")
    assert notebook.room.asked[-1][2] == [(1024, 512)]
    assert "scaled" not in capsys.readouterr().out
    monkeypatch.setattr(vlm, "_BYTES_LIMIT", 400_000)
    noise = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)
    notebook.names["noise"] = [Image.fromarray(noise)] * 2
    notebook.must("vlm.locate(noise, 'where?')")
    (first, _) = sizes = notebook.room.asked[-1][2]
    assert sizes == [first, first]
    assert max(first) < 512
    assert f"scaled to {max(first)} pixels" in capsys.readouterr().out


def test_a_kernel_asks_its_host(kernel: Kernel) -> None:
    """Over the real channel: what goes out and what comes back."""
    calls: list[bytes] = []

    def answer(kernel: Kernel, call: int, message: bytes) -> None:
        if (fetch := wire.first(message, 2)) is not None:
            assert wire.first(fetch, 1, 0) == 0
            buffer = io.BytesIO()
            Image.new("RGB", (64, 48)).save(buffer, "PNG")
            kernel.reply_file(call, buffer.getvalue())
            return
        calls.append(wire.first(message, 5))
        kernel.pipe.send(wire.reply_json(call, json.dumps("Not visible\nno ünicorn here")))

    kernel.answer_call = answer
    done = kernel.run("import vlm\ntold = vlm.locate([InputImages[0]], 'where is the ünicorn?')\nprint(len(told))")
    assert done.error is None
    assert done.stdout.endswith("A: Not visible\nno ünicorn here\n27\n")
    (asked,) = calls
    assert wire.first(asked, 1) == 1
    assert wire.first(asked, 2).decode() == "where is the ünicorn?"
    picture = wire.first(asked, 3)
    assert Image.open(io.BytesIO(wire.first(picture, 1))).size == (64, 48)
    assert wire.first(picture, 2) == 0


def test_a_refused_question_is_the_exception_that_the_host_names(kernel: Kernel) -> None:
    def answer(kernel: Kernel, call: int, message: bytes) -> None:
        del message
        kernel.pipe.send(wire.reply_failure(call, "ValueError", "the picture is no readable PNG"))

    kernel.answer_call = answer
    done = kernel.run("from PIL import Image\nvlm.locate(Image.new('RGB', (4, 4)), 'where?')")
    assert done.error is not None
    assert done.error[0] == "ValueError"
    assert "no readable PNG" in done.error[1]
