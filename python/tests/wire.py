"""The session's pipe as its host speaks it: just enough protobuf, written by hand, so that no test needs a compiler.

Fields are numbered in ``proto/spatialclaw/kernel/v1/kernel.proto``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def put(number: int, value: int | float | str | bytes) -> bytes:
    """One field: int as varint, float as double, text and bytes (also of a message) with their length."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | 1) + struct.pack("<d", value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message: number and value."""
    at = 0

    def varint() -> int:
        nonlocal at
        number = shift = 0
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number
            if shift > 63:
                raise ValueError("a number of more than ten bytes")

    while at < len(data):
        key = varint()
        value: Any
        match key & 7:
            case 0:
                value = varint()
            case 1:
                (value,) = struct.unpack_from("<d", data, at)
                at += 8
            case 5:
                (value,) = struct.unpack_from("<f", data, at)
                at += 4
            case 2:
                length = varint()
                value = data[at : at + length]
                at += length
            case other:
                raise ValueError(f"wire type {other}")
        yield key >> 3, value


def first(data: bytes, number: int, default: Any = None) -> Any:
    """The value of field ``number``."""
    return next((value for key, value in fields(data) if key == number), default)


def opening(session: str, frames: list[tuple[int, int, int]], seed: int, max_long_edge: int = 768) -> bytes:
    """``ToKernel.open`` for frames (index, width, height)."""
    infos = b"".join(put(2, put(1, index) + put(2, width) + put(3, height)) for index, width, height in frames)
    return put(1, put(1, session) + infos + put(3, max_long_edge) + put(5, 64) + put(6, seed))


def run(step: int, code: str) -> bytes:
    """``ToKernel.run``."""
    return put(2, put(1, step) + put(2, code))


def reply_blob(call: int, size: int) -> bytes:
    """``ToKernel.reply`` whose bytes are in the descriptor sent along."""
    return put(3, put(1, call) + put(3, size))


def reply_json(call: int, text: str) -> bytes:
    """``ToKernel.reply`` with a JSON text."""
    return put(3, put(1, call) + put(4, text))


def reply_failure(call: int, exception: str, message: str) -> bytes:
    """``ToKernel.reply`` that raises in the cell."""
    return put(3, put(1, call) + put(2, put(1, exception) + put(2, message)))


@dataclass
class Done:
    """``FromKernel.done`` and what was said before it."""

    step: int
    stdout: str
    stderr: str
    error: tuple[str, str, int, str] | None
    new: dict[str, str]
    changed: dict[str, str]
    shown: list[tuple[bytes, str, int | None]] = field(default_factory=list)
    answers: list[tuple[str, float | None]] = field(default_factory=list)


def done(data: bytes) -> Done:
    """Reads ``FromKernel.done``."""
    error = first(data, 5)

    def text(number: int) -> str:
        return bytes(first(data, number, b"")).decode()

    def variables(number: int) -> dict[str, str]:
        pairs = [value for key, value in fields(data) if key == number]
        return {bytes(first(pair, 1, b"")).decode(): bytes(first(pair, 2, b"")).decode() for pair in pairs}

    failure = None
    if error is not None:
        kind, message, trace = (bytes(first(error, number, b"")).decode() for number in (1, 2, 4))
        failure = (kind, message, int(first(error, 3, 0)), trace)
    return Done(int(first(data, 1, 0)), text(3), text(4), failure, variables(6), variables(7))
