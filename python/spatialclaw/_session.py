"""The life of a kernel: one child process, one session.

Happy path: raise the walls, take the session's socket, hear what the session is about, build the names that cells
find, say ``Ready``; then run cell after cell until the host closes the socket.

Failures: a wall that does not stand, or a host that speaks out of turn, ends the process (``_template`` prints why).
What goes wrong inside a cell is part of its ``Done``, never the end of the session. An interrupt outside a cell is
ignored.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _cell, _namespace, _seeds
from ._bridge import Bridge
from ._capture import Capture
from ._inputs import inputs
from ._variables import Variables
from .feedback import close_figures

if TYPE_CHECKING:
    from . import _host

# The session's socket (``_template`` puts it there).
_SOCKET = 3
# What of the template's environment a cell may see.
_ENVIRONMENT = (
    "PATH",
    "LANG",
    "MPLCONFIGDIR",
    "MPLBACKEND",
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
)


def live(
    host: Any, walls: _host.Walls, level: str, scratch: str, limits: _host.Limits, workspace: str | None = None
) -> None:
    """Serve one session on descriptor 3 until it ends."""
    # Memory files cannot be made behind the walls.
    capture = Capture(limits["output_chars"])
    walls.enter(level, scratch, limits, workspace)
    _settle_in(workspace or scratch)
    channel: _host.Channel = host.Channel(_SOCKET)
    session = Session(channel, capture)
    channel.ready(sys.version.split()[0], level)
    session.run()


def _settle_in(scratch: str) -> None:
    """Make ``scratch`` the home, and leave nothing of the template to be seen."""
    os.chdir(scratch)
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    os.environ.clear()
    os.environ.update(kept, HOME=scratch, TMPDIR=scratch)
    sys.argv[:] = [""]
    # Numbers print as numbers: 0.5, not np.float64(0.5).
    np.set_printoptions(legacy="1.25")
    gc.enable()


class Session:
    """The loop over cells."""

    def __init__(self, channel: _host.Channel, capture: Capture) -> None:
        self._channel = channel
        self._capture = capture
        self._interrupts = _cell.Interrupts()
        self._interrupts.install()
        opening = channel.open()
        self._bridge = Bridge(channel)
        names = _namespace.build(inputs(opening, self._bridge))
        self._namespace = _main(names)
        self._variables = Variables(names)
        _seeds.sow(opening.seed)

    def run(self) -> None:
        """Run cells until the host closes the session."""
        while (work := self._channel.next_work()) is not None:
            self._run(work.step, work.code)

    def _run(self, step: int, code: str) -> None:
        self._interrupts.install()
        self._bridge.renew()
        sys.stdout, sys.stderr = self._capture.streams()
        started = time.perf_counter()
        failure = _cell.run(code, step, self._namespace, self._interrupts)
        seconds = time.perf_counter() - started
        self._tidy(failure is None)
        self._capture.collect()
        new, changed = self._report()
        self._channel.done(
            step=step,
            seconds=seconds,
            stdout=self._capture.stdout.text(),
            stderr=self._capture.stderr.text(),
            error=failure,
            new=new,
            changed=changed,
            stdout_truncated=self._capture.stdout.truncated,
        )

    def _report(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        try:
            return self._variables.report(self._namespace)
        # A cell may leave objects that break whatever looks at them, or no memory to look with.
        except Exception as error:  # noqa: BLE001
            self._capture.stderr.write(f"the variables could not be listed: {type(error).__name__}\n")
            return [], []

    def _tidy(self, succeeded: bool) -> None:
        left = close_figures()
        if left and succeeded:
            sys.stdout, sys.stderr = self._capture.stdout, self._capture.stderr
            print(f"note: {left} matplotlib figure(s) were drawn but not shown; call plt.show() in the same cell")


def _main(names: dict[str, Any]) -> dict[str, Any]:
    """A fresh ``__main__`` whose names are the session's namespace."""
    module = ModuleType("__main__")
    vars(module).update(names)
    sys.modules["__main__"] = module
    return vars(module)
