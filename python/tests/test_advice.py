"""Advice: what cannot work is named by its line, what can is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from spatialclaw import _advice

OWN = "/scratch"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("import subprocess as sp; sp.run(['ls'])", "subprocess.run starts a program"),
        ("import os; os.system('ls')", "os.system starts a program"),
        ("from urllib.request import urlopen; urlopen('http://x')", "urllib.request.urlopen needs a network"),
        ("import requests; requests.get('http://x')", "requests.get needs a network"),
        ("from socket import socket; socket()", "socket.socket needs a network"),
        ("open('/etc/passwd')", "'/etc/passwd' is outside of /scratch"),
        ("np.load('/data/x.npy')", "use a relative path"),
        ("plt.savefig('/tmp/x.png')", "'/tmp/x.png' is outside"),
        ("np.genfromtxt('https://x/y.csv')", "of https://x/y.csv needs a network"),
        ("x = input('which?')", "nobody types"),
    ],
)
def test_what_cannot_work_is_named(line: str, words: str) -> None:
    (note,) = _advice.notes(f"import numpy as np\n{line}\n1/0", OWN, 3)
    assert note.startswith("line 2: ") and words in note


@pytest.mark.parametrize(
    "line",
    [
        "re.compile('open(')",
        "Image.open(io.BytesIO(b''))",
        "s = \"open('/etc/passwd'); os.system('ls')\"",
        "open('plot.png', 'wb')",
        "open('/scratch/plot.png')",
        "np.load(buffer)",
        "model.eval(); run(); socket_count(3)",
        "self.requests.get('x')",
        "Path('out') / '/etc'",
        "show(InputImages[0].resize((3, 3)))",
        "def f(:",
    ],
)
def test_what_can_work_is_left_alone(line: str) -> None:
    assert _advice.notes(f"{line}\n1/0", OWN, 2) == []


def test_the_line_that_failed_has_said_it_itself() -> None:
    assert _advice.notes("open('/etc/passwd')", OWN, 1) == []


@pytest.mark.parametrize("file", sorted((Path(__file__).parent / "corpus" / "benign").glob("*.py")), ids=lambda f: f.stem)
def test_no_honest_cell_is_advised(file: Path) -> None:
    assert _advice.notes(file.read_text(), OWN, 0) == []
