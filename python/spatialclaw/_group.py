"""One control group for the template and all its kernels: together they never use up the machine.

Every kernel is bounded by itself (``rlimits``); this bounds their sum. When the group's memory is used up, the machine's
kernel ends the largest process in it, which is a cell's and not the template (kernels say so when they raise their
walls), and never the executor, which stays outside.

One group for all, not one each: moving a process between groups takes longer than a fork does. Version 1 and version 2
are known. Where no group can be made (most containers), nothing happens and the level does not name ``cgroup``.
"""

from __future__ import annotations

import os
from pathlib import Path

NAME = "spatialclaw-kernels-"
# Share of the machine's memory that all kernels may use together, in percent.
MEMORY_PERCENT = 75
# Processes and threads of all kernels together.
TASKS = 16384


def enter() -> list[Path]:
    """Move this process into a group of its own and bound it; the group's directories, none if that is refused.

    The process must have no children yet.
    """
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * MEMORY_PERCENT // 100
        homes = _homes()
        if "" in homes:
            return [_make(homes[""], {"memory.max": memory, "pids.max": TASKS})]
        return [
            _make(homes["memory"], {"memory.limit_in_bytes": memory}),
            _make(homes["pids"], {"pids.max": TASKS}),
        ]
    except (OSError, KeyError, ValueError):
        return []


def _make(home: Path, bounds: dict[str, int]) -> Path:
    for left in home.glob(f"{NAME}*"):
        # One that is still in use stays.
        _try_remove(left)
    group = home / f"{NAME}{os.getpid()}"
    group.mkdir()
    try:
        for file, bound in bounds.items():
            # Only where the machine hands these controllers on do the files exist.
            with open(group / file, "r+") as opened:
                opened.write(str(bound))
        (group / "cgroup.procs").write_text(str(os.getpid()))
    except OSError:
        _try_remove(group)
        raise
    return group


def _try_remove(group: Path) -> None:
    try:
        group.rmdir()
    except OSError:
        pass


def _homes() -> dict[str, Path]:
    """This process's own directories: ``memory`` and ``pids`` (version 1), else "" (version 2)."""
    own = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        own.update(dict.fromkeys(names.split(","), path))
    homes = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ", 1)
        root, point = before.split()[3:5]
        kind, _, options = after.split()[:3]
        handled = {"cgroup": set(options.split(",")), "cgroup2": {""}}.get(kind, set())
        for name in handled & own.keys():
            homes[name] = Path(point) / os.path.relpath(own[name], root)
    if {"memory", "pids"} <= homes.keys():
        homes.pop("", None)
    return homes
