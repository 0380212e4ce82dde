"""The native half of a kernel (the Rust crate ``services/kernel-worker``), loaded by path into the template."""

from collections.abc import Sequence
from typing import TypedDict, final

class Limits(TypedDict):
    memory_bytes: int
    cpu_seconds: int
    file_bytes: int
    scratch_bytes: int
    open_files: int
    threads: int
    output_chars: int

@final
class Walls:
    """What children of this template may do, compiled once."""

    def __new__(cls, readable: Sequence[str], essential: Sequence[str]) -> Walls:
        """``readable``: files and directories that cells may read; missing ones are skipped.

        ``essential``: files that every child must be able to read. The process must be single-threaded.
        """

    def descriptor(self) -> int:
        """A descriptor that a child needs to raise its walls, or -1; it is closed when they are up."""

    def attempt(self, scratch: str, limits: Limits) -> str:
        """Raise whatever can be raised and return its names joined by ``+``. For a throw-away child."""

    def enter(self, level: str, scratch: str, limits: Limits, workspace: str | None = None) -> None:
        """Raise exactly the walls of ``level``, for ever. RuntimeError: end the process at once.

        ``workspace``: a directory whose files are copied into ``scratch``, which then lies under that name too.
        """

@final
class Input:
    """One input frame, before scaling."""

    @property
    def index(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def time_s(self) -> float | None: ...

@final
class Opening:
    """What a session starts from."""

    @property
    def session(self) -> str: ...
    @property
    def frames(self) -> list[Input]: ...
    @property
    def max_long_edge(self) -> int: ...
    @property
    def video(self) -> tuple[float, int, float] | None:
        """Frames a second, frames in all, seconds."""
    @property
    def reconstruct_max_frames(self) -> int: ...
    @property
    def seed(self) -> int: ...

@final
class Work:
    """One cell to run."""

    @property
    def step(self) -> int: ...
    @property
    def code(self) -> str: ...

@final
class Channel:
    """The kernel's end of a session's socket; one thread at a time.

    Every call that returns an ``int`` hands over a descriptor of a memory file, which the caller closes. A call that
    the host refuses raises the exception the host names.
    """

    def __new__(cls, descriptor: int) -> Channel:
        """Takes ``descriptor`` over: nobody else may use or close it."""

    def open(self) -> Opening: ...
    def ready(self, python: str, walls: str) -> None: ...
    def next_work(self) -> Work | None:
        """The next cell, ``None`` at the end of the session."""

    def done(
        self,
        *,
        step: int,
        seconds: float,
        stdout: str,
        stderr: str,
        error: tuple[str, str, int, str] | None,
        new: Sequence[tuple[str, str]],
        changed: Sequence[tuple[str, str]],
        stdout_truncated: bool,
    ) -> None:
        """``error``: kind, message, 1-based line (0 = unknown), traceback."""

    def show(self, png: bytes, label: str, frame_index: int | None = None) -> None: ...
    def submit_answer(self, text: str, number: float | None = None) -> None: ...
    def fetch_frame(self, index: int) -> int: ...
    def reconstruct(self, frames: Sequence[int], width: int, height: int) -> int: ...
    def segment(
        self,
        image: int | bytes,
        width: int,
        height: int,
        *,
        text: str | None = None,
        bounds: tuple[float, float, float, float] | None = None,
        points: Sequence[tuple[float, float, bool]] | None = None,
        score_threshold: float = 0.0,
    ) -> int: ...
    def ask_vision(self, kind: str, pictures: Sequence[tuple[bytes, int | None]], question: str) -> str:
        """``kind``: "locate" or "think"; ``pictures``: PNGs with their frame's index. The answer as a JSON string."""

# Arithmetic over pixels (``_geometry`` wraps it). Arrays are contiguous; ``out`` overlaps no other argument.

def lift(depth: object, cameras: object, poses: object, rows: int, columns: int, out: object) -> None:
    """f32 (N,rows,columns), f64 (N,4) = fx fy cx cy, f64 (N,4,4) -> f32 ``out`` (N,rows,columns,3)."""

def transform(points: object, matrix: Sequence[float], out: object) -> None:
    """f32 or f64 (K,3), 16 numbers row by row -> f64 ``out`` (K,3)."""

def fit_plane(
    points: object, confidence: object, threshold: float, iterations: int, distance: float
) -> tuple[bytearray, list[float]] | None:
    """(K,3) and (K,), both f32 or both f64 -> a byte for each confident point, nine sums of products."""

def resize(source: object, size: int, from_: tuple[int, int], to: tuple[int, int], out: object) -> None:
    """Bytes of elements of ``size`` bytes, (rows, columns) of both grids -> bytes ``out``."""

def pick(
    points: object, confidence: object, mask: object, columns: int, threshold: float, rim: int
) -> tuple[bytearray, bytearray]:
    """f32 (H,W,3), f32 (H,W), bytes (H,W) -> f32 points and f32 confidence, as bytes."""

def outline(points: object) -> list[list[float]]:
    """f64 (K,2) -> corners, counter-clockwise."""
