"""Running one cell: compile, execute, and say readably what went wrong."""

from __future__ import annotations

import ast
import errno
import linecache
import os
import re
import signal
import traceback
from types import CodeType, FrameType, TracebackType
from typing import Any, NamedTuple

from . import _advice
from ._capture import encodable

# Characters of the value of a cell's last expression.
_ECHO_LIMIT = 1000
_MESSAGE_LIMIT = 2000
_TRACEBACK_LIMIT = 4000
# Cell frames shown from each end of a deep recursion.
_FRAMES_EACH_END = 8

INTERRUPTED = (
    "the cell was stopped from outside, normally because its time limit was reached;"
    " everything assigned before this line is kept. Use smaller inputs, a coarser stride or fewer iterations"
)
_EXITED = "exit() does not end the session and is not needed; a cell simply ends, and ReturnAnswer(...) answers"


class Failure(NamedTuple):
    """How a cell failed."""

    kind: str
    message: str
    line: int
    trace: str


class Interrupts:
    """Turns SIGINT into KeyboardInterrupt while a cell runs, and into nothing between cells."""

    def __init__(self) -> None:
        self.armed = False
        self._early = False

    def install(self) -> None:
        """A cell begins: take SIGINT over, also from a cell that did, and forget what came before."""
        self._early = False
        signal.signal(signal.SIGINT, self._on_signal)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.armed:
            raise KeyboardInterrupt
        self._early = True

    def arm(self) -> None:
        """The cell's own code begins; an interrupt that came while it was made ready strikes now."""
        self.armed = True
        if self._early:
            raise KeyboardInterrupt


def run(code: str, step: int, namespace: dict[str, Any], interrupts: Interrupts) -> Failure | None:
    """Run ``code`` in ``namespace``; what it raised, if anything. The last expression's value is printed."""
    filename = f"<cell {step}>"
    linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
    try:
        body, last = _compile(code, filename)
        try:
            interrupts.arm()
            exec(body, namespace)
            if last is not None:
                _echo(eval(last, namespace))
        finally:
            interrupts.armed = False
    # An interrupt may also strike in the `finally` above, so it is caught out here.
    except BaseException as error:
        interrupts.armed = False
        return _advised(_describe(error, filename), code)
    return None


def _advised(failure: Failure, code: str) -> Failure:
    """The failure, with what else in the cell cannot work."""
    notes = _advice.notes(code, os.environ.get("HOME", ""), failure.line)
    message = "\nnote: ".join([failure.message, *notes])
    return failure._replace(message=message)


def _compile(code: str, filename: str) -> tuple[CodeType, CodeType | None]:
    tree = ast.parse(code, filename)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        expression = tree.body.pop()
        assert isinstance(expression, ast.Expr)
        last = compile(ast.Expression(expression.value), filename, "eval", dont_inherit=True)
    return compile(tree, filename, "exec", dont_inherit=True), last


def _echo(value: Any) -> None:
    if value is None:
        return
    text = repr(value)
    if len(text) > _ECHO_LIMIT:
        text = f"{text[:_ECHO_LIMIT]}… [{len(text) - _ECHO_LIMIT} characters left out]"
    print(text)


def _describe(error: BaseException, filename: str) -> Failure:
    # numpy has a MemoryError of its own that nobody can import.
    kind = "MemoryError" if isinstance(error, MemoryError) else type(error).__name__
    message = _message(error)
    if isinstance(error, SyntaxError) and error.filename == filename:
        line = error.lineno or 0
        trace = "".join(traceback.format_exception_only(error))
    else:
        frames = _cell_frames(error.__traceback__)
        line = next((number for name, number, _ in reversed(frames) if name == filename), 0)
        trace = f"{_render(frames)}{kind}: {message}"
    return Failure(encodable(kind), _bounded(message, _MESSAGE_LIMIT), line, _bounded(trace.strip(), _TRACEBACK_LIMIT))


def _message(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, SystemExit):
        return _EXITED
    if isinstance(error, MemoryError):
        what = _text(error)
        hint = "the session's memory limit was reached; use smaller arrays or del what is no longer needed"
        return f"{what}: {hint}" if what else hint
    if isinstance(error, OSError):
        return f"{_text(error)}{_wall(error)}"
    if isinstance(error, KeyError) and len(error.args) == 1 and isinstance(error.args[0], str):
        return error.args[0] if " " in error.args[0] else repr(error.args[0])
    return _text(error)


def _wall(error: OSError) -> str:
    """A hint if a wall stood in the way."""
    # An address where a file was meant, or an error of the network's own kind: their numbers say nothing.
    is_remote = type(error).__name__ in ("URLError", "gaierror") or "://" in _text(error)[:200]
    if is_remote or error.errno in (errno.EPERM, errno.EACCES, errno.EROFS):
        return "; cells have no network, no programs and only their own scratch directory for files"
    own = os.environ.get("HOME", "")
    if error.errno == errno.ENOENT and isinstance(error.filename, str) and _leads_out(error.filename, own):
        return f"; cells can only open their own files, in {own} (the working directory): use relative paths"
    return ""


def _leads_out(path: str, own: str) -> bool:
    try:
        return not os.path.abspath(path).startswith(own)
    # The working directory may be gone.
    except OSError:
        return True


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  (the exception is the cell's own and may be anything)
        return "(the exception has no readable message)"


def _cell_frames(trace: TracebackType | None) -> list[tuple[str, int, str]]:
    """File name, line and function of each frame that lies in a cell."""
    frames = []
    for frame, line in traceback.walk_tb(trace):
        name = frame.f_code.co_filename
        if re.fullmatch(r"<cell \d+>", name):
            frames.append((name, line or 0, frame.f_code.co_name))
    return frames


def _render(frames: list[tuple[str, int, str]]) -> str:
    if not frames:
        return ""
    lines = ["Traceback (most recent call last):\n"]
    for position, (name, line, function) in enumerate(frames):
        if _FRAMES_EACH_END <= position < len(frames) - _FRAMES_EACH_END:
            if position == _FRAMES_EACH_END:
                lines.append(f"  … {len(frames) - 2 * _FRAMES_EACH_END} more frames …\n")
            continue
        where = "" if function == "<module>" else f", in {function}"
        lines.append(f"  {name}, line {line}{where}\n    {linecache.getline(name, line).strip()}\n")
    return "".join(lines)


def _bounded(text: str, limit: int) -> str:
    text = encodable(text)
    if len(text) <= limit:
        return text
    half = limit // 2 - 20
    return f"{text[:half]}\n… [{len(text) - 2 * half} characters left out] …\n{text[-half:]}"
