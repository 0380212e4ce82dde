"""Both corpora against real kernels: attacks break nothing, honest cells run.

An attack is a cell in ``corpus/attacks``; its first lines say what its success would look like, and ``# needs: WALL`` if
only that wall stops it, ``# slow`` if it runs into the deadline. What counts as a breach is in ``ground.py``. Attacks meet
two levels: everything this machine grants, and the least that an executor accepts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ground import Ground, drive, left_behind
from template import BOOTSTRAP, Kernel, Template, library

CORPUS = Path(__file__).resolve().parent / "corpus"
ATTACKS = sorted((CORPUS / "attacks").glob("*.py"))
BENIGN = sorted((CORPUS / "benign").glob("*.py"))

# Seconds.
DEADLINE, SLOW_DEADLINE, BENIGN_DEADLINE = 20.0, 2.0, 60.0
LIMITS = {
    "memory_bytes": 1 << 30,
    "cpu_seconds": 60,
    "file_bytes": 16 << 20,
    "scratch_bytes": 64 << 20,
    "open_files": 128,
    "threads": 64,
}
# What an executor does not go below.
LEAST = "nocaps+rlimits+landlock+seccomp"
# Attacks that hurt nobody where they succeed, each noticed in another way.
NOTICED = (
    "environment_proc_parent",
    "file_mode_and_times",
    "file_open",
    "introspection_subclasses_popen",
    "memory_flood_pipes_and_sockets",
    "numpy_fromfile",
    "numpy_save_outside",
    "numpy_savetxt_tmp",
    "socket_tcp",
    "socket_udp",
    "socket_unix_abstract",
    "socket_unix_path",
)


def _raising(level: str) -> str:
    """A bootstrap line whose template has exactly these walls."""
    return BOOTSTRAP.replace(
        "from spatialclaw._template import main;",
        f"import spatialclaw._template as t; t._probe = lambda walls: {level!r}; main = t.main;",
    )


@pytest.fixture(scope="module")
def least(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    """A template whose kernels have the least walls."""
    built = library()
    if built is None:
        pytest.skip("the kernel worker is not built: run `cargo build -p spatialclaw-kernel-worker` first")
    started = Template(tmp_path_factory.mktemp("home"), built, bootstrap=_raising(LEAST))
    yield started
    assert started.close() == 0


@pytest.fixture(scope="module")
def ground(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    laid = Ground(template, tmp_path_factory.mktemp("ground") / "neighbour")
    yield laid
    laid.close()


@pytest.fixture(scope="module")
def least_ground(least: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    laid = Ground(least, tmp_path_factory.mktemp("ground") / "neighbour")
    yield laid
    laid.close()


def attack(file: Path, template: Template, ground: Ground, scratch: Path) -> None:
    code = file.read_text()
    walls = template.ready["walls"].split("+")
    missing = set(re.findall(r"^# needs: (\w+)", code, re.M)) - set(walls)
    if missing or not {"landlock", "seccomp", "rlimits"} <= set(walls):
        pytest.skip(f"these walls do not stop it: {'+'.join(walls)}")
    scratch.mkdir(mode=0o700)
    kernel = template.kernel(scratch, LIMITS)
    outcome = drive(kernel, ground.dress(code), SLOW_DEADLINE if "# slow" in code else DEADLINE)
    broken = ground.breaches(outcome)
    kernel.close()
    assert broken == [], outcome
    assert left_behind(kernel.pid) == []
    assert _fresh(template, scratch.parent / "after") == "42\n"


def _fresh(template: Template, scratch: Path) -> str:
    """What a new kernel says."""
    scratch.mkdir(mode=0o700)
    kernel = template.kernel(scratch)
    said = kernel.run("6 * 7").stdout
    kernel.close()
    return said


@pytest.mark.parametrize("file", ATTACKS, ids=lambda file: file.stem)
def test_an_attack_breaks_nothing(file: Path, template: Template, ground: Ground, tmp_path: Path) -> None:
    attack(file, template, ground, tmp_path / "scratch")


@pytest.mark.parametrize("file", ATTACKS, ids=lambda file: file.stem)
def test_an_attack_breaks_nothing_behind_the_least_walls(
    file: Path, least: Template, least_ground: Ground, tmp_path: Path
) -> None:
    attack(file, least, least_ground, tmp_path / "scratch")


@pytest.mark.parametrize("name", NOTICED)
def test_without_walls_a_breach_is_noticed(name: str, tmp_path: Path) -> None:
    built = library()
    if built is None:
        pytest.skip("the kernel worker is not built: run `cargo build -p spatialclaw-kernel-worker` first")
    for folder in ("home", "scratch"):
        (tmp_path / folder).mkdir(mode=0o700)
    template = Template(tmp_path / "home", built, bootstrap=_raising("none"))
    ground = Ground(template, tmp_path / "neighbour")
    kernel = template.kernel(tmp_path / "scratch", LIMITS | {"open_files": 4096})
    code = (CORPUS / "attacks" / f"{name}.py").read_text()
    broken = ground.breaches(drive(kernel, ground.dress(code), DEADLINE))
    kernel.close()
    ground.close()
    template.close()
    assert broken != []


@pytest.mark.parametrize("file", BENIGN, ids=lambda file: file.stem)
def test_an_honest_cell_runs(file: Path, lease: Callable[..., Kernel]) -> None:
    code = file.read_text()
    outcome = drive(lease(), code, BENIGN_DEADLINE)
    assert outcome.error is None, outcome
    expected = re.findall(r"^# prints: (.*)$", code, re.M)
    assert expected, "an honest cell says what it prints"
    for words in expected:
        assert words in outcome.stdout, outcome
    assert outcome.stderr == "" or "# warns" in code, outcome.stderr


def test_the_corpora_are_as_large_as_promised() -> None:
    assert len(ATTACKS) >= 120 and len(BENIGN) >= 80
