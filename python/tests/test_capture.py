"""What a cell prints, bounded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from spatialclaw._capture import Recorder, encodable


def test_short_text_is_kept_whole() -> None:
    recorder = Recorder(1, 10, 20)
    print("hello", file=recorder)
    recorder.buffer.write(b" bytes \xff")
    assert recorder.text() == "hello\n bytes \N{REPLACEMENT CHARACTER}" and not recorder.truncated
    assert recorder.writable() and not recorder.isatty() and recorder.encoding == "utf-8" and recorder.fileno() == 1


def test_long_text_keeps_both_ends_and_says_how_much_is_missing() -> None:
    recorder = Recorder(1, 10, 20)
    for number in range(1000):
        recorder.write(f"{number:04d}")
    assert recorder.truncated
    assert recorder.text().startswith("0000000100") and recorder.text().endswith("099709980999")
    assert "[3970 characters left out]" in recorder.text()
    recorder.clear()
    assert recorder.text() == "" and not recorder.truncated


def test_a_flood_takes_no_memory() -> None:
    recorder = Recorder(1, 10, 20)
    for _ in range(1000):
        recorder.write("x" * 10_000)
    assert len(recorder._head) + len(recorder._tail) < 200


def test_lone_surrogates_can_travel() -> None:
    assert encodable("a\ud800b") == "a?b"


def test_descriptors_are_captured_between_cells(tmp_path: Path) -> None:
    # In a process of its own: capturing takes descriptors 1 and 2 over.
    code = """
import os, sys
from spatialclaw._capture import Capture
keep = os.dup(1)
capture = Capture()
def cell(number):
    sys.stdout, sys.stderr = capture.streams()
    print('python', number)
    os.write(1, b'raw %d' % number)
    os.write(2, b'x' * 100_000)
    capture.collect()
    return capture.stdout.text(), capture.stderr.text()
results = [cell(1), cell(2)]
os.write(keep, repr([(out, len(err)) for out, err in results]).encode())
"""
    package = Path(__file__).parent.parent
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(package)},
    )
    (first, err), (second, _) = eval(ended.stdout)
    assert first == "python 1\nraw 1" and second == "python 2\nraw 2" and err < 600
