"""A real template and its kernels, driven as an executor drives them."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import wire

PACKAGE = Path(__file__).resolve().parent.parent
BOOTSTRAP = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    " from spatialclaw._template import main; sys.exit(main(sys.argv[2], 3))"
)
# Generous: a deadline that is met only when something hangs.
DEADLINE_S = 120.0
_LENGTH = struct.Struct("<I")


def library() -> Path | None:
    """The newest built kernel worker, or the one that SPATIALCLAW_KERNEL_LIBRARY names."""
    if named := os.environ.get("SPATIALCLAW_KERNEL_LIBRARY"):
        return Path(named)
    target = Path(os.environ.get("CARGO_TARGET_DIR", PACKAGE.parent / "target"))
    built = [target / profile / "libspatialclaw_kernel_worker.so" for profile in ("debug", "release")]
    existing = [path for path in built if path.exists()]
    return max(existing, key=lambda path: path.stat().st_mtime) if existing else None


class Pipe:
    """Length-prefixed frames with a descriptor now and then."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        end.settimeout(DEADLINE_S)

    def send(self, body: bytes, descriptor: int | None = None) -> None:
        data = _LENGTH.pack(len(body)) + body
        if descriptor is not None:
            sent = socket.send_fds(self.end, [data], [descriptor])
            data = data[sent:]
        self.end.sendall(data)

    def receive(self) -> tuple[bytes, list[int]]:
        """One frame; empty at the end of the stream."""
        header, descriptors = self._exactly(_LENGTH.size)
        if not header:
            return b"", []
        body, more = self._exactly(_LENGTH.unpack(header)[0])
        return body, descriptors + more

    def _exactly(self, length: int) -> tuple[bytes, list[int]]:
        data, descriptors = b"", []
        while len(data) < length:
            part, got, _, _ = socket.recv_fds(self.end, min(length - len(data), 1 << 20), 4)
            descriptors += got
            if not part:
                return b"", descriptors
            data += part
        return data, descriptors


class Template:
    """The process that kernels are forked from."""

    def __init__(self, home: Path, built: Path, under: Sequence[str] = (), bootstrap: str = BOOTSTRAP) -> None:
        """``under``: a command that starts the template's command, e.g. in a machine that grants less."""
        ours, theirs = socket.socketpair()
        self.control = Pipe(ours)
        environment = {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(home),
            "MPLCONFIGDIR": str(home / "matplotlib"),
            "MPLBACKEND": "Agg",
            "PYTHONHASHSEED": "0",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
        }
        command = [*under, sys.executable, "-s", "-P", "-B", "-X", "utf8", "-c", bootstrap, str(PACKAGE), str(built)]
        self.process = _start(command, environment, home, theirs)
        theirs.close()
        self.ready = self._hear("ready")
        self._forks = 0

    def _hear(self, name: str) -> dict[str, Any]:
        message, _ = self.hear()
        return message[name]

    def hear(self) -> tuple[dict[str, Any], list[int]]:
        """The next message of the template."""
        body, descriptors = self.control.receive()
        assert body, "the template ended"
        return json.loads(body), descriptors

    def kernel(self, scratch: Path, limits: dict[str, int] | None = None, **opening: Any) -> Kernel:
        """A kernel forked, opened and ready."""
        ours, theirs = socket.socketpair()
        self._forks += 1
        request = {"id": self._forks, "session": "0" * 32, "scratch": str(scratch), "limits": limits or {}}
        self.control.send(json.dumps({"fork": request}).encode(), theirs.fileno())
        theirs.close()
        while True:
            message, descriptors = self.hear()
            if "exited" not in message:
                break
        assert message["forked"]["id"] == self._forks, message
        return Kernel(Pipe(ours), message["forked"]["pid"], descriptors[0], **opening)

    def close(self) -> int:
        """End the template by closing its socket; its exit status."""
        self.control.end.close()
        return self.process.wait(DEADLINE_S)


def _start(command: list[str], environment: dict[str, str], home: Path, control: socket.socket) -> Any:
    """Start ``command`` with ``control`` as descriptor 3."""

    def as_three() -> None:
        os.dup2(control.fileno(), 3, inheritable=True)

    return subprocess.Popen(
        command, env=environment, cwd=home, stdin=subprocess.DEVNULL, pass_fds=(3,), preexec_fn=as_three
    )


Answerer = Callable[["Kernel", int, bytes], None]


class Kernel:
    """One session, as its executor sees it."""

    def __init__(
        self,
        pipe: Pipe,
        pid: int,
        handle: int,
        frames: list[tuple[int, int, int]] | None = None,
        seed: int = 7,
    ) -> None:
        self.pipe, self.pid, self.handle = pipe, pid, handle
        self.answer_call: Answerer | None = None
        self._step = 0
        pipe.send(wire.opening("0" * 32, frames or [(0, 64, 48)], seed))
        body, _ = pipe.receive()
        ready = wire.first(body, 1)
        assert ready is not None, "the kernel died before it was ready; see the template's complaints above"
        self.walls = bytes(wire.first(ready, 2, b"")).decode()

    def run(self, code: str, while_running: Callable[[], None] | None = None) -> wire.Done:
        """Run one cell to its end."""
        self._step += 1
        self.pipe.send(wire.run(self._step, code))
        if while_running:
            while_running()
        shown: list[tuple[bytes, str, int | None]] = []
        answers: list[tuple[str, float | None]] = []
        while True:
            body, _ = self.pipe.receive()
            assert body, "the kernel ended in the middle of a cell"
            ((kind, value),) = wire.fields(body)
            if kind == 2:
                self._answer(value)
            elif kind == 3:
                shown.append((wire.first(value, 1), wire.first(value, 2, b"").decode(), wire.first(value, 3)))
            elif kind == 4:
                answers.append((wire.first(value, 1).decode(), wire.first(value, 2)))
            elif kind == 5:
                result = wire.done(value)
                result.shown, result.answers = shown, answers
                return result

    def _answer(self, call: bytes) -> None:
        assert self.answer_call is not None, "the cell asked the host for something"
        self.answer_call(self, wire.first(call, 1), call)

    def reply_file(self, call: int, content: bytes) -> None:
        """Answer a call with a sealed memory file."""
        file = os.memfd_create("tensor", os.MFD_ALLOW_SEALING)
        try:
            os.write(file, content)
            self.pipe.send(wire.reply_blob(call, len(content)), file)
        finally:
            os.close(file)

    def interrupt(self) -> None:
        """Stop the running cell."""
        signal.pidfd_send_signal(self.handle, signal.SIGINT)

    def close(self) -> None:
        """End the session and wait until its process is gone."""
        self.pipe.end.close()
        poll = select.poll()
        poll.register(self.handle, select.POLLIN)
        gone = poll.poll(DEADLINE_S * 1000)
        os.close(self.handle)
        assert gone, "the kernel outlived its session"
