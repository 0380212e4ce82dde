"""How a cell answers the question."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._bridge import Bridge
from ._capture import encodable

_LIMIT = 10_000


class ReturnAnswer:
    """ReturnAnswer(answer): submit the final answer.

    ``answer``: a non-empty str (surrounding blanks are stripped) or a finite number; numpy scalars are fine. The last
    call of a cell counts. It does not stop the cell. For multiple choice pass the letter, e.g. ReturnAnswer("B"); for
    a number pass the number itself in the wanted unit, e.g. ReturnAnswer(1.37); for yes or no pass "yes" or "no"
    (True and False become that).
    ValueError: empty text, nan or infinity. TypeError: any other type.
    """

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def __call__(self, answer: Any) -> None:
        text, number = _parsed(answer)
        self._bridge.submit_answer(text, number)
        print(f"answer submitted: {text}")

    def __repr__(self) -> str:
        return "ReturnAnswer(answer): submits the final answer, a str or a number"


def _parsed(answer: Any) -> tuple[str, float | None]:
    if isinstance(answer, (np.generic, np.ndarray)) and np.ndim(answer) == 0:
        answer = answer.item()
    if isinstance(answer, bool):
        return ("yes" if answer else "no"), None
    if isinstance(answer, (int, float)):
        return _number(answer)
    if not isinstance(answer, str):
        raise TypeError(
            f"ReturnAnswer takes a str or a number, not {type(answer).__name__} ({answer!r:.80}):"
            " take one element of a list or array, or write the answer as text"
        )
    text = encodable(answer.strip())
    if not text:
        raise ValueError(f"ReturnAnswer was given {answer!r}; pass the answer as non-empty text or a number")
    if len(text) > _LIMIT:
        raise ValueError(f"the answer has {len(text)} characters; at most {_LIMIT} are accepted: answer briefly")
    return text, None


def _number(answer: int | float) -> tuple[str, float]:
    if isinstance(answer, int) and abs(answer) >= 10**300:
        raise ValueError("the answer is an integer of more than 300 digits; check the computation")
    if not math.isfinite(answer):
        raise ValueError(
            f"the answer is {answer}, which is no number to answer with: some input was empty or unmeasured"
            " (an empty mask, NaN depth); print the intermediate values, drop non-finite ones and compute again"
        )
    return str(answer), float(answer)
