"""What a cell prints, bounded.

Python's own printing goes to a recorder in memory. What C code or ``os.write`` sends to descriptors 1 and 2 lands in
memory files and is added when the cell ends.
"""

from __future__ import annotations

import ctypes
import fcntl
import io
import os
from typing import TextIO

# Characters kept from the beginning and the end of what a cell prints.
STDOUT_HEAD, STDOUT_TAIL = 1000, 3000
STDERR_HEAD, STDERR_TAIL = 250, 250
# Bytes read back from each end of what C code printed.
_RAW_PART = 16384


class Recorder(io.TextIOBase):
    """A text stream that keeps the first ``head`` and the last ``tail`` characters."""

    def __init__(self, descriptor: int, head: int, tail: int) -> None:
        self._descriptor = descriptor
        self._head_limit, self._tail_limit = head, tail
        self._raw = _Raw(self)
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._head = ""
        self._tail = ""
        self._total = 0

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._total += len(text)
        room = self._head_limit - len(self._head)
        if room > 0:
            self._head += text[:room]
        rest = text[max(room, 0) :]
        if rest:
            self._tail += rest[-self._tail_limit :]
            if len(self._tail) > 4 * self._tail_limit:
                self._tail = self._tail[-self._tail_limit :]
        return len(text)

    @property
    def truncated(self) -> bool:
        """Whether anything was left out."""
        return self._total > self._head_limit + self._tail_limit

    def text(self) -> str:
        """What was written, with a note where something was left out."""
        if not self.truncated:
            return encodable(self._head + self._tail)
        left_out = self._total - self._head_limit - self._tail_limit
        tail = self._tail[-self._tail_limit :]
        return encodable(f"{self._head}\n… [{left_out} characters left out] …\n{tail}")

    @property
    def buffer(self) -> io.RawIOBase:
        """The stream as bytes."""
        return self._raw

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False


class _Raw(io.RawIOBase):
    def __init__(self, text: Recorder) -> None:
        self._text = text

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._text.write(bytes(data).decode("utf-8", "replace"))
        return len(data)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._text.fileno()


class Capture:
    """Standard output and error of one session, cell after cell."""

    def __init__(self, chars: int = STDOUT_HEAD + STDOUT_TAIL) -> None:
        """``chars``: how much of standard output is kept, a quarter of it from the beginning."""
        self.stdout = Recorder(1, chars // 4, chars - chars // 4)
        self.stderr = Recorder(2, STDERR_HEAD, STDERR_TAIL)
        self._files = {1: _memory_file("stdout"), 2: _memory_file("stderr")}

    def streams(self) -> tuple[TextIO, TextIO]:
        """Point descriptors 1 and 2 at empty memory files; what ``sys.stdout`` and ``sys.stderr`` should be."""
        for target, file in self._files.items():
            os.ftruncate(file, 0)
            os.dup2(file, target)
        self.stdout.clear()
        self.stderr.clear()
        return self.stdout, self.stderr  # type: ignore[return-value]

    def collect(self) -> None:
        """Add what went past Python to what the recorders hold."""
        _flush_libc(None)
        for recorder, file in zip((self.stdout, self.stderr), self._files.values(), strict=True):
            raw = _both_ends(file)
            if raw:
                recorder.write(raw.decode("utf-8", "replace"))


def encodable(text: str) -> str:
    """``text`` with lone surrogates replaced, so that it can travel as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _memory_file(name: str) -> int:
    descriptor = os.memfd_create(name)
    # After it is emptied the next write must land at the start again.
    fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_APPEND)
    return descriptor


def _both_ends(file: int) -> bytes:
    size = os.fstat(file).st_size
    if size <= 2 * _RAW_PART:
        return os.pread(file, size, 0)
    note = f"\n… [{size - 2 * _RAW_PART} bytes left out] …\n".encode()
    return os.pread(file, _RAW_PART, 0) + note + os.pread(file, _RAW_PART, size - _RAW_PART)


# Text of a cell's C code may wait in libc's buffer. Looked up once: that takes longer than the call.
_flush_libc = ctypes.CDLL(None).fflush
