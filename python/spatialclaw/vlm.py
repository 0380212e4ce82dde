"""Questions about pictures to a vision model, asked through the host."""

from __future__ import annotations

from typing import Any

from PIL import Image

from ._bridge import Bridge
from ._capture import encodable
from .feedback import Looked, pictures, png

# Pictures of one question.
_LOCATE_LIMIT = 8
_THINK_LIMIT = 64
# Pixels of a picture's longer side.
_LONG_EDGE = 1024
_QUESTION_LIMIT = 4000
# Bytes of all pictures of one question; a message to the host holds 32 MiB.
_BYTES_LIMIT = 24_000_000
_SHRINK = 0.8
_SMALLEST = 64


class Vlm:
    """Asks a vision model about pictures. Each call stands alone: the model knows the pictures and the question, no more.

    It can be wrong: measure with the tools what can be measured. An answer that begins with ``[vlm error]`` is none:
    the model did not answer, and the text says why. A question asked before about the same pictures gets the same
    answer. Every call counts as a tool call.
    """

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def locate(self, visual_input: Any, question: str) -> str:
        """Where something is, as text -> str, or exactly ``Not visible``.

        ``visual_input``: one picture or a list, at most 8: FrameImage, PIL image, VisualFeedback or uint8 array.
        ``question``: name one object and what to return: its centre ``(x,y)`` or its box ``(x1,y1,x2,y2)``. Numbers
        run from 0 to 1000 over the picture's width and height: x / 1000 * picture.width. Parse the text yourself and
        expect a second line.
        """
        return self._ask("locate", visual_input, question, _LOCATE_LIMIT)

    def ask_with_thinking(self, visual_input: Any, question: str) -> str:
        """A considered answer in words -> str; may say that the pictures do not tell.

        ``visual_input``: as for locate, at most 64. Use it for what tools cannot measure: states, materials, what
        happens. Ask for one thing and for frames as evidence.
        """
        return self._ask("think", visual_input, question, _THINK_LIMIT)

    def _ask(self, kind: str, visual_input: Any, question: str, limit: int) -> str:
        name = "vlm.locate" if kind == "locate" else "vlm.ask_with_thinking"
        text = _question(name, question)
        # Before they are loaded, where that is possible.
        given = _first(name, visual_input, limit) if isinstance(visual_input, (list, tuple)) else visual_input
        looked = _first(name, pictures(given, f"{name}'s first argument", ""), limit)
        answer = self._bridge.ask_vision(kind, _encoded(name, looked), text)
        print(f"{name}, {len(looked)} picture{'s' if len(looked) > 1 else ''}\nQ: {text}\nA: {answer}")
        return answer


def _first(name: str, items: Any, limit: int) -> Any:
    if len(items) > limit:
        print(f"{name} takes at most {limit} pictures: the first {limit} of {len(items)} are asked about")
    return items[:limit]


def _question(name: str, question: Any) -> str:
    if not isinstance(question, str):
        raise TypeError(f"{name}'s question must be a str, not {type(question).__name__}: {name}(pictures, question)")
    text = encodable(question.strip())
    if not text:
        raise ValueError(f"{name} was given a blank question; ask for one thing, e.g. the centre of the red chair")
    if len(text) > _QUESTION_LIMIT:
        raise ValueError(f"{name}'s question has {len(text)} characters, more than {_QUESTION_LIMIT}; ask shorter")
    return text


def _encoded(name: str, looked: list[Looked]) -> list[tuple[bytes, int | None]]:
    """The pictures as PNGs, made smaller until all of them fit into one message."""
    edge = _LONG_EDGE
    while True:
        made = [(png(_within(image, edge)), index) for image, _, index in looked]
        if sum(len(data) for data, _ in made) <= _BYTES_LIMIT or edge <= _SMALLEST:
            break
        edge = max(_SMALLEST, int(edge * _SHRINK))
    if edge < _LONG_EDGE:
        print(f"{name}: {len(looked)} pictures were scaled to {edge} pixels on the longer side to fit; ask about fewer")
    return [(data, None if index is None or index < 0 else index) for data, index in made]


def _within(image: Image.Image, edge: int) -> Image.Image:
    scale = edge / max(image.size)
    if scale >= 1:
        return image
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)
