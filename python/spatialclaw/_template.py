"""The template process: imports everything once, then forks one child per session.

Happy path: load the native half by path, import the scientific stack, compile the walls, find out in a throw-away
child which of them this machine grants, say ``ready``; then answer ``fork`` requests until the control socket ends.
The protocol is written down at the top of ``services/kernel-worker/src/lib.rs``.

Failures: an import that fails or a wrong library ends the process with the reason on descriptor 2 and no ``ready``.
A fork that fails is refused by its number. Children are reaped as they end, and each end is reported.

The process stays single-threaded for ever: a fork copies one thread only, and a lock held by another would stay
locked in every child.
"""

from __future__ import annotations

import gc
import importlib.machinery
import importlib.util
import json
import mimetypes
import os
import resource
import select
import signal
import socket
import struct
import sys
import sysconfig
import tempfile
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from . import _group

if TYPE_CHECKING:
    from . import _host

PROTOCOL = 1
_LIMIT = 65536
_LENGTH = struct.Struct("<I")
_DEFAULTS: dict[str, int] = {
    "memory_bytes": 4 << 30,
    "cpu_seconds": 3600,
    "file_bytes": 64 << 20,
    "scratch_bytes": 256 << 20,
    "open_files": 256,
    "threads": 64,
    "output_chars": 4000,
}


def main(library: str, control: int) -> int:
    """Run the template on ``control`` until it ends; the exit status of the process."""
    started = time.monotonic()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    host = _load(library)
    packages = _import_everything()
    walls = host.Walls(_readable(), _essential())
    level = _probe(walls)
    if _group.enter():
        level += "+cgroup"
    _settle()
    template = Template(socket.socket(fileno=control), host, walls, level)
    template.send(
        "ready",
        {
            "protocol": PROTOCOL,
            "pid": os.getpid(),
            "python": sys.version.split()[0],
            "walls": level,
            "seconds": round(time.monotonic() - started, 3),
            "packages": packages,
        },
    )
    template.run()
    return 0


def _load(library: str) -> Any:
    """Import the shared library at ``library`` as ``spatialclaw._host``."""
    name = "spatialclaw._host"
    loader = importlib.machinery.ExtensionFileLoader(name, library)
    spec = importlib.util.spec_from_file_location(name, library, loader=loader)
    if spec is None:
        raise ImportError(f"{library} is no extension module")
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    sys.modules[name] = module
    return module


def _import_everything() -> dict[str, str]:
    """Import what cells use, so that children share it; versions by package."""
    import matplotlib
    import matplotlib.backends.backend_agg
    import matplotlib.pyplot
    import numpy
    import PIL
    import PIL.Image
    import scipy
    import scipy.ndimage
    import scipy.optimize
    import scipy.signal
    import scipy.spatial
    import scipy.spatial.transform

    from . import _session  # noqa: F401  (imports the whole package)

    PIL.Image.init()
    mimetypes.init()
    # The first figure builds the font cache and loads the renderer.
    figure = matplotlib.pyplot.figure()
    figure.suptitle("warm")
    figure.canvas.draw()
    matplotlib.pyplot.close(figure)
    return {
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "matplotlib": matplotlib.__version__,
        "pillow": PIL.__version__,
    }


def _readable() -> list[str]:
    """What cells may read: the interpreter's libraries, this package, shared libraries, fonts, time zones."""
    paths = sysconfig.get_paths()
    own = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    own |= {os.path.join(sys.base_prefix, "lib"), os.path.join(sys.prefix, "lib")}
    own |= {os.path.dirname(os.path.abspath(__file__)), os.environ.get("MPLCONFIGDIR", "")}
    shared = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"}
    data = {"/usr/share/fonts", "/usr/local/share/fonts", "/usr/share/zoneinfo", "/etc/localtime"}
    devices = {"/dev/zero", "/dev/urandom", "/dev/random"}
    return sorted(path for path in own | shared | data | devices if path)


def _essential() -> list[str]:
    """What every child must be able to read: one file of each library that it may still import from."""
    return [file for file in (os.__file__, sys.modules["numpy"].__file__, __file__) if file]


def _probe(walls: _host.Walls) -> str:
    """The level that holds here, found out by a child that raises everything and reports."""
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory(dir=os.environ.get("HOME")) as scratch:
        pid = os.fork()
        if pid == 0:
            level = "none"
            try:
                level = walls.attempt(scratch, _limits({}))
            finally:
                os.write(writing, level.encode())
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as answer:
            level = answer.read().decode()
        os.waitpid(pid, 0)
    return level


def _settle() -> None:
    """Last preparations before the first fork."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard) if hard != resource.RLIM_INFINITY else (soft, hard))
    gc.collect()
    gc.freeze()


def _limits(asked: dict[str, Any]) -> Any:
    return {key: int(asked.get(key, default)) for key, default in _DEFAULTS.items()}


@dataclass(frozen=True)
class _Fork:
    """One request for a child."""

    number: int
    scratch: str
    workspace: str | None
    limits: Any
    socket: int


class _Ended(Exception):
    """The control socket is at its end."""


class Template:
    """The loop over the control socket."""

    def __init__(self, control: socket.socket, host: Any, walls: _host.Walls, level: str) -> None:
        self._control = control
        self._host = host
        self._walls = walls
        self._level = level
        self._woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)

    def run(self) -> None:
        """Serve requests until the control socket ends."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        try:
            while True:
                ready = {descriptor for descriptor, _ in poll.poll()}
                if self._woken in ready:
                    self._reap()
                if self._control.fileno() in ready:
                    self._serve_one()
        except (_Ended, BrokenPipeError, ConnectionResetError):
            return

    def send(self, name: str, body: dict[str, Any], descriptor: int | None = None) -> None:
        """Send one message, with at most one descriptor on its first byte."""
        text = json.dumps({name: body}).encode()
        data = _LENGTH.pack(len(text)) + text
        if descriptor is None:
            self._control.sendall(data)
        else:
            sent = socket.send_fds(self._control, [data], [descriptor])
            self._control.sendall(data[sent:])

    def _serve_one(self) -> None:
        header, descriptors = self._receive(_LENGTH.size)
        (length,) = _LENGTH.unpack(header)
        if length > _LIMIT:
            raise _Ended
        body, more = self._receive(length)
        descriptors += more
        try:
            request = _parse(body, descriptors)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            for descriptor in descriptors:
                os.close(descriptor)
            self.send("refused", {"id": _number(body), "reason": f"unreadable request: {error!r}"})
            return
        try:
            self._fork(request)
        finally:
            os.close(request.socket)

    def _receive(self, length: int) -> tuple[bytes, list[int]]:
        data, descriptors = b"", []
        while len(data) < length:
            part, got, _, _ = socket.recv_fds(self._control, length - len(data), 4)
            descriptors += got
            if not part:
                raise _Ended
            data += part
        return data, descriptors

    def _fork(self, request: _Fork) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            self.send("refused", {"id": request.number, "reason": f"fork failed: {error}"})
            return
        if pid == 0:
            self._become_child(request)
        handle = os.pidfd_open(pid)
        try:
            self.send("forked", {"id": request.number, "pid": pid}, handle)
        finally:
            os.close(handle)

    def _become_child(self, request: _Fork) -> NoReturn:
        """The rest of the child's life; never returns to the template's loop."""
        status = 70
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            _keep_only(request.socket, self._walls.descriptor())
            from . import _session

            _session.live(
                self._host, self._walls, self._level, request.scratch, request.limits, request.workspace
            )
            status = 0
        except BaseException:  # noqa: BLE001  (whatever it is, the child must not run the template's loop)
            traceback.print_exc()
        finally:
            os._exit(status)

    def _reap(self) -> None:
        try:
            while os.read(self._woken, 4096):
                pass
        except BlockingIOError:
            pass
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            how = {"signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else {"status": os.WEXITSTATUS(status)}
            self.send("exited", {"pid": pid, **how})


def _parse(body: bytes, descriptors: list[int]) -> _Fork:
    fork = json.loads(body)["fork"]
    if len(descriptors) != 1:
        raise ValueError(f"{len(descriptors)} descriptors came with it, one is needed")
    scratch = str(fork["scratch"])
    if not os.path.isdir(scratch):
        raise ValueError(f"scratch {scratch!r} is no directory")
    workspace = fork.get("workspace")
    if workspace is not None and not os.path.isdir(workspace):
        raise ValueError(f"workspace {workspace!r} is no directory")
    if workspace is not None and (held := _held(workspace)):
        raise ValueError(f"workspace {workspace!r} holds {held!r}, which kernels need; name another directory")
    return _Fork(int(fork["id"]), scratch, workspace, _limits(fork.get("limits") or {}), descriptors[0])


def _held(folder: str) -> str | None:
    """Something in ``folder`` that kernels themselves read."""
    real = os.path.join(os.path.realpath(folder), "")
    return next((path for path in _readable() if os.path.realpath(path).startswith(real)), None)


def _number(body: bytes) -> int:
    try:
        return int(json.loads(body)["fork"]["id"])
    except (ValueError, KeyError, TypeError):
        return 0


def _keep_only(session: int, family: int) -> None:
    """Close every descriptor but 0, 1, 2, ``family`` (if any) and the session's, which becomes 3."""
    if session != 3:
        os.dup2(session, 3, inheritable=False)
    if family > 3:
        os.closerange(4, family)
    os.closerange(max(family, 3) + 1, os.sysconf("SC_OPEN_MAX"))
