"""The ground that attacks are made on: things outside a kernel that must stay as they are, and a host that never tires.

Everything is checked from outside, after every attack, whatever the attack says of itself:

* the canary file's and the canary variable's values appear nowhere in what came out;
* the folder outside holds what it held, byte for byte, with the same mode and times; nothing new lies in ``/tmp``;
* nobody called on the TCP, UDP and Unix sockets (by path and abstract);
* the victim, the template and this process run;
* the neighbour, a session of its own, has its variables, its files and its senses;
* no process of the attacker's session is left once it is closed;
* what came out is bounded.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import wire
from template import Kernel, Template

# Seconds between the deadline's SIGINT and SIGKILL, as the executor has it.
GRACE_S = 1.0
# Bytes of a frame that the executor takes.
_FRAME_LIMIT = 32 << 20
# Pictures and answers that are kept; the executor has budgets of its own.
_KEPT = 300
# Where everybody may write.
_SHARED = ("/tmp", "/dev/shm", "/var/tmp")
# What the environment of this process and of the victim holds.
ENV_SECRET = f"CANARY-{secrets.token_hex(8)}"


@dataclass
class Outcome:
    """What one cell came to, seen by a host that distrusts all of it."""

    stdout: str = ""
    stderr: str = ""
    error: str | None = None
    lost: bool = False
    shown: list[bytes] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    said: bytes = b""


class Lost(Exception):
    """The kernel is of no use any more."""


def drive(kernel: Kernel, code: str, limit_s: float) -> Outcome:
    """Run ``code`` as the executor does: SIGINT at the deadline, SIGKILL after the grace or at a violation."""
    outcome = Outcome()
    kernel._step += 1
    ends = [time.monotonic() + limit_s]
    try:
        kernel.pipe.send(wire.run(kernel._step, code))
        while not _heard(kernel, _frame(kernel, ends), outcome):
            pass
    except (Lost, OSError, ValueError, IndexError, struct.error, TypeError, UnicodeDecodeError) as error:
        outcome.lost = True
        outcome.error = outcome.error or f"KernelDied: {error}"
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(kernel.handle, signal.SIGKILL)
    return outcome


def _frame(kernel: Kernel, ends: list[float]) -> bytes:
    (length,) = struct.unpack("<I", _exactly(kernel, 4, ends))
    if length > _FRAME_LIMIT:
        raise Lost(f"a frame of {length} bytes")
    return _exactly(kernel, length, ends)


def _exactly(kernel: Kernel, length: int, ends: list[float]) -> bytes:
    parts, have = [], 0
    while have < length:
        _wait(kernel, ends)
        data, descriptors, _, _ = socket.recv_fds(kernel.pipe.end, min(length - have, 1 << 20), 8)
        for descriptor in descriptors:
            os.close(descriptor)
        if not data:
            raise Lost("the pipe is closed")
        parts.append(data)
        have += len(data)
    return b"".join(parts)


def _wait(kernel: Kernel, ends: list[float]) -> None:
    """Until there is something to read; interrupts at the deadline, gives up after the grace."""
    while True:
        left = ends[0] - time.monotonic()
        if left > 0 and select.select([kernel.pipe.end], [], [], left)[0]:
            return
        if len(ends) == 2:
            raise Lost("it did not stop within the grace")
        ends[:] = [time.monotonic() + GRACE_S, 0.0]
        kernel.interrupt()


def _heard(kernel: Kernel, body: bytes, outcome: Outcome) -> bool:
    """Takes one frame into account; whether the cell is over."""
    ((kind, value),) = wire.fields(body)
    if kind == 2:
        _answer(kernel, wire.first(value, 1))
    elif kind == 3 and len(outcome.shown) < _KEPT:
        outcome.shown.append(bytes(wire.first(value, 1, b"")))
    elif kind == 4 and len(outcome.answers) < _KEPT:
        outcome.answers.append(bytes(wire.first(value, 1, b"")).decode())
    elif kind == 5:
        done = wire.done(value)
        if done.step != kernel._step:
            raise Lost(f"the end of step {done.step}")
        outcome.stdout, outcome.stderr, outcome.said = done.stdout, done.stderr, value
        outcome.error = None if done.error is None else f"{done.error[0]}: {done.error[1]}"
        return True
    elif kind not in (3, 4):
        raise Lost(f"a frame of kind {kind}")
    return False


def _answer(kernel: Kernel, call: int) -> None:
    """Refuses a call; a kernel that does not read its answers is of no use."""
    reply = wire.reply_failure(call, "RuntimeError", "nothing is perceived here")
    data = struct.pack("<I", len(reply)) + reply
    # Short enough for the room that "writable" promises.
    if not select.select([], [kernel.pipe.end], [], 0)[1]:
        raise Lost("it does not read its answers")
    kernel.pipe.end.sendall(data)


class Ground:
    """What must stay as it is, and a neighbour."""

    def __init__(self, template: Template, scratch: Path) -> None:
        self._template = template
        self.tag = f"spatialclaw{secrets.token_hex(6)}"
        self.secret = f"CANARY-{secrets.token_hex(8)}"
        # Open to everybody, so that permissions alone hide nothing.
        self._root = Path(tempfile.mkdtemp(prefix="ground"))
        self._root.chmod(0o755)
        self._secret_dir, self._outside = self._root / "private", self._root / "outside"
        for folder in (self._secret_dir, self._outside):
            folder.mkdir(mode=0o777)
            folder.chmod(0o777)
        self._fill()
        self._listen()
        # Its environment holds the secret from its first moment, as an executor's holds keys.
        os.environ["SPATIALCLAW_CANARY"] = ENV_SECRET
        self._victim = subprocess.Popen(["sleep", "3600"])
        scratch.mkdir(mode=0o700)
        self._neighbour_scratch = scratch
        self._neighbour = template.kernel(scratch)
        self._neighbour.run("open('note', 'w').write('mine'); kept = np.arange(5)")

    def _fill(self) -> None:
        (self._secret_dir / "secret.txt").write_text(self.secret)
        (self._outside / "target").write_text("as it was")
        (self._outside / "outside_module.py").write_text("x = 1\n")
        picture = bytes.fromhex(
            "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
            "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
        )
        (self._outside / "picture.png").write_bytes(picture)
        for file in (self._secret_dir / "secret.txt", *self._outside.iterdir()):
            file.chmod(0o666)
        self._before = self._state()

    def _state(self) -> dict[str, tuple[Any, ...]]:
        files = sorted([self._root, *self._root.rglob("*")])
        return {str(file): _look(file) for file in files}

    def _listen(self) -> None:
        self._tcp, self._udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._unix, self._abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        self._tcp.bind(("127.0.0.1", 0))
        self._udp.bind(("127.0.0.1", 0))
        self._unix_dir = tempfile.mkdtemp(prefix="ground")
        os.chmod(self._unix_dir, 0o777)
        self._unix.bind(f"{self._unix_dir}/socket")
        os.chmod(f"{self._unix_dir}/socket", 0o777)
        self._abstract.bind(f"\0{self.tag}")
        for listener in (self._tcp, self._unix, self._abstract):
            listener.listen()

    def dress(self, code: str) -> str:
        """``code`` with the places and numbers of this ground."""
        words = {
            "SECRET_FILE": self._secret_dir / "secret.txt",
            "SECRET_DIR": self._secret_dir,
            "OUTSIDE": self._outside,
            "TCP": self._tcp.getsockname()[1],
            "UDP": self._udp.getsockname()[1],
            "UNIX": f"{self._unix_dir}/socket",
            "ABSTRACT": self.tag,
            "TAG": self.tag,
            "ENV_SECRET": "SPATIALCLAW_CANARY",
            "VICTIM_PID": self._victim.pid,
            "EXECUTOR_PID": os.getpid(),
            "NEIGHBOUR_PID": self._neighbour.pid,
            "NEIGHBOUR_SCRATCH": self._neighbour_scratch,
        }
        for word, value in words.items():
            code = code.replace(f"@{word}@", str(value))
        return code

    def breaches(self, outcome: Outcome) -> list[str]:
        """What the attack broke."""
        return [*self._leaks(outcome), *self._traces(), *self._hurts()]

    def _leaks(self, outcome: Outcome) -> Iterator[str]:
        said = " ".join([outcome.stdout, outcome.stderr, outcome.error or "", *outcome.answers]).encode()
        said += outcome.said + b"".join(outcome.shown)
        for secret, name in ((self.secret, "the file's secret"), (ENV_SECRET, "the environment's secret")):
            if secret.encode() in said or secret.encode().hex().encode() in said:
                yield f"{name} came out"
        if "BREACH" in outcome.stdout:
            yield f"it says so itself: {outcome.stdout[:500]}"
        if not outcome.lost and (len(outcome.stdout) > 4500 or len(outcome.stderr) > 1000):
            yield f"{len(outcome.stdout)} + {len(outcome.stderr)} characters came out"
        if len(outcome.error or "") > 4500:
            yield f"an error of {len(outcome.error or '')} characters came out"

    def _traces(self) -> Iterator[str]:
        after = self._state()
        for path in self._before.keys() | after.keys():
            if self._before.get(path) != after.get(path):
                yield f"{path} changed: {self._before.get(path)} -> {after.get(path)}"
        for folder in _SHARED:
            yield from (f"{folder}/{name} was made" for name in os.listdir(folder) if self.tag in name)
        listeners = {"tcp": self._tcp, "udp": self._udp, "unix": self._unix, "abstract": self._abstract}
        reached = select.select(list(listeners.values()), [], [], 0)[0]
        yield from (f"the {name} listener was reached" for name, listener in listeners.items() if listener in reached)

    def _hurts(self) -> Iterator[str]:
        for name, process in (("the victim", self._victim), ("the template", self._template.process)):
            if process.poll() is not None or _state_of(process.pid) == "T":
                yield f"{name} was hurt"
        seen = self._neighbour.run("print(open('note').read(), kept.sum(), 6 * 7, len(__import__('os').listdir('.')))")
        if seen.stdout != "mine 10 42 1\n" or seen.error:
            yield f"the neighbour is not well: {seen.stdout} {seen.error}"

    def close(self) -> None:
        """Take everything down."""
        self._neighbour.close()
        self._victim.kill()
        self._victim.wait()
        for listener in (self._tcp, self._udp, self._unix, self._abstract):
            listener.close()
        left = [Path(folder, name) for folder in _SHARED for name in os.listdir(folder) if self.tag in name]
        for folder in (self._root, Path(self._unix_dir), *left):
            subprocess.run(["rm", "-rf", str(folder)], check=False)


def _look(file: Path) -> tuple[Any, ...]:
    stat = file.lstat()
    content = file.read_bytes() if file.is_file() and not file.is_symlink() else b""
    return stat.st_mode, stat.st_uid, stat.st_gid, stat.st_mtime_ns, stat.st_nlink, content


def _state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def left_behind(session: int) -> list[int]:
    """Processes whose session is ``session`` (a kernel leads one of its own) that are not dead."""
    left = []
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError):
            fields = Path(f"/proc/{int(entry)}/stat").read_text().rsplit(")", 1)[1].split()
            if int(fields[3]) == session and fields[0] not in "ZX":
                left.append(int(entry))
    return left
