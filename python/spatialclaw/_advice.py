"""What a cell asks for that it cannot have, found in its source: advice for the next attempt, never a wall.

Only what is plain in the syntax tree counts: calls by their full name, paths and addresses written as literals. A string
that mentions ``open(``, ``re.compile`` or ``Image.open`` on a buffer are nobody's business.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator

# Notes in one failure.
_LIMIT = 3

_NETWORK = "needs a network, which cells do not have; everything needed is in InputImages, Metadata and tools"
_PROGRAM = "starts a program or process, which cells cannot; use Python libraries, or threads"
_SIGNAL = "signals other processes, which cells cannot"
_INPUT = "waits for typing, and nobody types; put the value into the cell"

# By full name, or by its beginning where it ends in a dot.
_CALLS = {
    "subprocess.": _PROGRAM,
    "pty.": _PROGRAM,
    "os.system": _PROGRAM,
    "os.popen": _PROGRAM,
    "os.fork": _PROGRAM,
    "os.forkpty": _PROGRAM,
    "os.spawnv": _PROGRAM,
    "os.posix_spawn": _PROGRAM,
    "os.execv": _PROGRAM,
    "os.execvp": _PROGRAM,
    "multiprocessing.Process": _PROGRAM,
    "multiprocessing.Pool": _PROGRAM,
    "concurrent.futures.ProcessPoolExecutor": _PROGRAM,
    "os.kill": _SIGNAL,
    "os.killpg": _SIGNAL,
    "socket.socket": _NETWORK,
    "socket.create_connection": _NETWORK,
    "socket.getaddrinfo": _NETWORK,
    "urllib.request.": _NETWORK,
    "http.client.": _NETWORK,
    "requests.": _NETWORK,
    "httpx.": _NETWORK,
    "aiohttp.": _NETWORK,
    "ftplib.": _NETWORK,
    "smtplib.": _NETWORK,
    "input": _INPUT,
}
# Calls whose first argument is a path, by the last part of their name.
_OPENERS = frozenset(
    "open load loadtxt genfromtxt fromfile memmap loadmat imread imwrite savefig save savetxt listdir scandir Path"
    " read_csv VideoCapture".split()
)


def notes(code: str, own: str, failed: int) -> list[str]:
    """One line for each thing in ``code`` that cannot work, but not for line ``failed``; at most three.

    ``own``: the directory whose files the cell may touch.
    """
    try:
        tree = ast.parse(code)
    # Whatever is wrong with the source has been said already.
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = _imported(tree)
    found: dict[int, str] = {}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if call.lineno != failed and call.lineno not in found and (why := _why(call, names, own)):
            found[call.lineno] = why
    return [f"line {line}: {why}" for line, why in sorted(found.items())[:_LIMIT]]


def _imported(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update({alias.asname: alias.name for alias in node.names if alias.asname})
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return names


def _why(call: ast.Call, names: dict[str, str], own: str) -> str | None:
    name = ".".join(_parts(call.func))
    first, _, rest = name.partition(".")
    name = f"{names.get(first, first)}.{rest}".rstrip(".")
    for asked, why in _CALLS.items():
        if name == asked or (asked.endswith(".") and name.startswith(asked)):
            return f"{name} {why}"
    target = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
    if not isinstance(target, str) or name.rpartition(".")[2] not in _OPENERS:
        return None
    if target.startswith(("http://", "https://", "ftp://")):
        return f"{name} of {target[:80]} {_NETWORK}"
    if os.path.isabs(target) and not os.path.normpath(target).startswith(own):
        return f"{name} of {target[:80]!r} is outside of {own}, the only place for files: use a relative path"
    return None


def _parts(node: ast.expr) -> Iterator[str]:
    """The parts of a dotted name; nothing for what is no plain name."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        before = list(_parts(node.value))
        if before:
            yield from before
            yield node.attr
