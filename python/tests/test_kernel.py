"""Real kernels: forked from a real template, behind real walls, driven over the session's socket."""

from __future__ import annotations

import ast
import io
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import wire
from PIL import Image
from template import BOOTSTRAP, PACKAGE, Kernel, Template, library

from spatialclaw import _template

Lease = Callable[..., Kernel]


def test_the_template_says_what_it_is(template: Template) -> None:
    ready = template.ready
    assert ready["protocol"] == 1
    assert ready["pid"] == template.process.pid
    assert {"numpy", "scipy", "matplotlib", "pillow"} <= set(ready["packages"])


def test_a_cell_runs_and_its_variables_stay(kernel: Kernel) -> None:
    first = kernel.run("x = np.arange(3)\nprint('hello')\nx.sum()")
    assert first.error is None
    assert first.stdout == "hello\n3\n"
    assert first.new == {"x": "ndarray, shape=(3,), dtype=int64"}
    second = kernel.run("x[0] = 5\ny = int(x.sum())")
    assert second.changed.keys() == {"x"} and second.new == {"y": "int, value=8"}


def test_an_error_names_the_line_of_the_cell_and_keeps_what_was_before(kernel: Kernel) -> None:
    failed = kernel.run("kept = 1\ndef f():\n    return 1 / 0\nf()")
    assert failed.error is not None
    kind, message, line, trace = failed.error
    assert (kind, message, line) == ("ZeroDivisionError", "division by zero", 3)
    assert "line 4" in trace and "return 1 / 0" in trace and "spatialclaw" not in trace
    assert kernel.run("kept").stdout == "1\n"


def test_an_interrupt_stops_a_loop_and_the_session_goes_on(kernel: Kernel) -> None:
    def when_it_loops() -> None:
        # The cell says that it is inside its loop by showing a picture.
        body, _ = kernel.pipe.receive()
        assert body
        kernel.interrupt()

    code = "before = 1\nfrom PIL import Image\nshow(Image.new('RGB', (2, 2)))\nwhile True:\n    pass"
    stopped = kernel.run(code, when_it_loops)
    assert stopped.error is not None and stopped.error[0] == "KeyboardInterrupt"
    assert "time limit" in stopped.error[1]
    assert kernel.run("before + 1").stdout == "2\n"


def test_an_interrupt_between_cells_is_ignored(kernel: Kernel) -> None:
    kernel.run("x = 1")
    kernel.interrupt()
    assert kernel.run("x").stdout == "1\n"


def test_an_interrupted_call_is_abandoned_and_its_late_answer_dropped(kernel: Kernel) -> None:
    late: list[int] = []

    def never(asking: Kernel, call: int, _: bytes) -> None:
        late.append(call)
        asking.interrupt()

    kernel.answer_call = never
    stopped = kernel.run("InputImages[0].image")
    assert stopped.error is not None and stopped.error[0] == "KeyboardInterrupt"
    kernel.reply_file(late[0], b"too late")
    kernel.answer_call = lambda asking, call, _: asking.reply_file(call, _png(64, 48))
    assert kernel.run("np.array(InputImages[0]).shape").stdout == "(48, 64, 3)\n"


def _png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def test_answers_and_pictures_arrive_as_frames(kernel: Kernel) -> None:
    done = kernel.run(
        "ReturnAnswer(' B ')\nReturnAnswer(np.float32(1.5))\n"
        "show(np.zeros((4, 6, 3), np.uint8))\nplt.plot([1, 2]); plt.title('a title'); plt.show()"
    )
    assert done.error is None
    assert done.answers == [("B", None), ("1.5", 1.5)]
    assert [label for _, label, _ in done.shown] == ["np.zeros((4, 6, 3), np.uint8)", "a title"]
    assert Image.open(io.BytesIO(done.shown[0][0])).size == (6, 4)
    assert Image.open(io.BytesIO(done.shown[1][0])).format == "PNG"


def test_a_marker_on_stdout_is_only_text(kernel: Kernel) -> None:
    done = kernel.run("print('\\x00SHOW /etc/passwd')")
    assert done.shown == [] and "SHOW /etc/passwd" in done.stdout


def test_the_host_can_refuse_a_call_with_an_exception(kernel: Kernel) -> None:
    kernel.answer_call = lambda asking, call, _: asking.pipe.send(
        wire.reply_failure(call, "TimeoutError", "no pod answered within 5 s; try fewer frames")
    )
    failed = kernel.run("Reconstruct.Reconstruct(InputImages)")
    assert failed.error is not None
    assert failed.error[:2] == ("TimeoutError", "no pod answered within 5 s; try fewer frames")


def test_output_of_c_code_is_caught_and_bounded(kernel: Kernel) -> None:
    done = kernel.run("import os\nos.write(1, b'raw out')\nos.write(2, b'raw err')\nprint('x' * 100000)")
    assert "raw out" in done.stdout and len(done.stdout) < 4200
    assert "raw err" in done.stderr
    assert kernel.run("pass").stdout == ""


def test_the_walls_are_those_that_the_template_promised(template: Template, kernel: Kernel) -> None:
    assert kernel.walls == template.ready["walls"]


# Refused, or hidden, or read-only: which, depends on the walls that this machine grants.
REFUSALS = ("PermissionError", "AssertionError", "FileNotFoundError", "OSError")
FORBIDDEN = {
    "the password file": "open('/etc/passwd').read()",
    "the parent's environment": "import os; open(f'/proc/{os.getppid()}/environ', 'rb').read()",
    "its own environment in /proc": "open('/proc/self/environ', 'rb').read()",
    "the home of others": "import os; os.listdir('/root')",
    "a file outside its directory": "open('/tmp/spatialclaw-was-here', 'w')",
    "a file in the package": "import spatialclaw; open(spatialclaw.__path__[0] + '/x.py', 'w')",
    "a program": "import subprocess; subprocess.run(['/bin/true'])",
    "a shell": "import os\nassert os.system('true') == 0, PermissionError",
    "a fork": "import os; os.fork()",
    "exec": "import os; os.execv('/bin/true', ['true'])",
    "an internet socket": "import socket; socket.create_connection(('127.0.0.1', 1))",
    "a datagram": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "a signal to the parent": "import os; os.kill(os.getppid(), 9)",
    "a signal to everybody": "import os; os.kill(-1, 9)",
    "tracing": "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
    "if libc.ptrace(16, __import__('os').getppid(), 0, 0) != 0: raise PermissionError",
    "a mount": "import ctypes\nif ctypes.CDLL(None).umount2(b'/', 2) != 0: raise PermissionError",
}


@pytest.mark.parametrize("code", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_a_cell_cannot_have(template: Template, kernel: Kernel, code: str) -> None:
    needed = {"landlock", "seccomp"}
    if not needed <= set(template.ready["walls"].split("+")):
        pytest.skip(f"this machine grants only {template.ready['walls']}")
    failed = kernel.run(code)
    assert failed.error is not None, "the cell was allowed to"
    assert failed.error[0] in REFUSALS, failed.error
    assert kernel.run("1").stdout == "1\n"


def test_the_environment_is_a_fixed_list(lease: Lease) -> None:
    os.environ["SPATIALCLAW_TEST_SECRET"] = "s3cret"
    try:
        done = lease().run("import os; print(' '.join(sorted(os.environ)))\nprint(os.getcwd() == os.environ['HOME'])")
    finally:
        del os.environ["SPATIALCLAW_TEST_SECRET"]
    names, in_home = done.stdout.splitlines()
    assert names == "HOME LANG MKL_NUM_THREADS MPLBACKEND MPLCONFIGDIR OMP_NUM_THREADS OPENBLAS_NUM_THREADS PATH TMPDIR"
    assert in_home == "True"


def test_only_the_session_is_open(kernel: Kernel) -> None:
    code = """
import os
def is_open(descriptor):
    try:
        os.fstat(descriptor)
        return True
    except OSError:
        return False
print([descriptor for descriptor in range(64) if is_open(descriptor)])
"""
    # 0..2, the session, and the two memory files behind 1 and 2.
    assert kernel.run(code).stdout == "[0, 1, 2, 3, 4, 5]\n"


def test_the_scratch_directory_can_be_written(kernel: Kernel) -> None:
    done = kernel.run("np.save('a.npy', np.arange(3)); print(np.load('a.npy'))\nplt.figure().savefig('a.png')")
    assert done.error is None and "[0 1 2]" in done.stdout


def test_memory_is_bounded(lease: Lease) -> None:
    kernel = lease(limits={"memory_bytes": 2 << 30})
    failed = kernel.run("big = np.ones(4 << 30, np.uint8)")
    assert failed.error is not None and failed.error[0] == "MemoryError"
    assert "memory limit" in failed.error[1]
    assert kernel.run("1").stdout == "1\n"


def test_threads_and_the_libraries_work_behind_the_walls(kernel: Kernel) -> None:
    code = """
import cv2
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    print(sum(pool.map(lambda n: n * n, range(10))))
print(cv2.GaussianBlur(np.zeros((300, 300), np.uint8), (5, 5), 0).shape)
print(np.linalg.svd(np.eye(200))[1].sum(), ndimage.label(np.eye(3))[1])
print(optimize.minimize(lambda x: (x - 2) ** 2, 0.0).success, spatial.ConvexHull(np.eye(3)[:, :2]).volume)
"""
    done = kernel.run(code)
    assert done.error is None, done.error
    assert done.stdout == "285\n(300, 300)\n200.0 3\nTrue 0.5\n"


def test_kernels_share_nothing(lease: Lease) -> None:
    one, other = lease(), lease()
    one.run(
        "secret = 1\nnp.set_printoptions(precision=2)\nplt.rcParams['lines.linewidth'] = 9\n"
        "import builtins; builtins.leak = 1\nopen('note', 'w').write('x')"
    )
    done = other.run(
        "import os\nprint('secret' in globals(), np.get_printoptions()['precision'], plt.rcParams['lines.linewidth'],"
        " hasattr(__import__('builtins'), 'leak'), os.listdir('.'))"
    )
    assert done.stdout == "False 8 1.5 False []\n"


def test_the_same_seed_gives_the_same_numbers(lease: Lease) -> None:
    code = (
        "import random\n"
        "print(random.random(), np.random.rand(), np.random.default_rng().random(), random.Random().random(),"
        " np.random.RandomState().rand(), np.random.Generator(np.random.PCG64()).random(), np.random.default_rng(3).random())"
    )
    same, again, different = lease(seed=7).run(code), lease(seed=7).run(code), lease(seed=8).run(code)
    assert same.stdout == again.stdout
    *drawn, seeded = same.stdout.split()
    *others, seeded_there = different.stdout.split()
    assert len(set(drawn)) == len(drawn) and not set(drawn) & set(others)
    assert seeded == seeded_there


def test_strings_hash_the_same_in_every_template(kernel: Kernel) -> None:
    """So that a set has the same order when its cell is run again."""
    code = "print(hash('red chair'), list({'red chair', 'table', 'sofa'}))"
    other = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=True
    )
    assert kernel.run(code).stdout == other.stdout


def test_a_figure_left_open_is_closed_and_said(kernel: Kernel) -> None:
    assert "1 matplotlib figure(s)" in kernel.run("plt.plot([1, 2]);None").stdout
    assert kernel.run("len(plt.get_fignums())").stdout == "0\n"


def test_exit_does_not_end_the_session(kernel: Kernel) -> None:
    failed = kernel.run("import sys; sys.exit(3)")
    assert failed.error is not None and failed.error[0] == "SystemExit"
    assert kernel.run("1").stdout == "1\n"


def test_objects_that_break_when_looked_at_do_not_break_the_session(kernel: Kernel) -> None:
    code = (
        "class Bad:\n    @property\n    def __class__(self): raise ValueError('no')\n    __repr__ = None\nbad = Bad()"
    )
    assert kernel.run(code).error is None
    assert kernel.run("1").stdout == "1\n"


def test_the_stub_names_what_the_library_has(template: Template) -> None:
    built = library()
    assert built is not None
    native = _template._load(str(built))
    stub = ast.parse((PACKAGE / "spatialclaw" / "_host.pyi").read_text())
    for declared in (node for node in stub.body if isinstance(node, ast.ClassDef) and node.name != "Limits"):
        members = {node.name for node in declared.body if isinstance(node, ast.FunctionDef)} - {"__new__"}
        real = vars(getattr(native, declared.name))
        assert members == {name for name in real if not name.startswith("__")}, declared.name


def test_a_request_without_a_descriptor_is_refused(template: Template) -> None:
    template.control.send(b'{"fork": {"id": 99, "scratch": "/"}}')
    message, _ = template.hear()
    while "exited" in message:
        message, _ = template.hear()
    assert message["refused"]["id"] == 99 and "descriptor" in message["refused"]["reason"]


def test_an_unknown_message_is_refused(template: Template) -> None:
    template.control.send(b'{"dance": {}}')
    message, _ = template.hear()
    while "exited" in message:
        message, _ = template.hear()
    assert message["refused"]["id"] == 0


def test_a_killed_kernel_is_reported(template: Template, lease: Lease) -> None:
    kernel = lease()
    signal.pidfd_send_signal(kernel.handle, signal.SIGKILL)
    message, _ = template.hear()
    while message.get("exited", {}).get("pid") != kernel.pid:
        message, _ = template.hear()
    assert message["exited"]["signal"] == 9


def test_kernels_die_with_their_template(tmp_path: Path, template: Template) -> None:
    built = library()
    assert built is not None
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir(mode=0o700)
    own = Template(home, built)
    kernel = own.kernel(scratch)
    own.process.kill()
    own.process.wait()
    own.control.end.close()
    assert kernel.pipe.end.recv(1) == b""
    kernel.close()


# A user namespace in which no further one can be made, as on machines that forbid them.
WITHOUT_NAMESPACES = (
    "unshare",
    "--user",
    "--map-root-user",
    "sh",
    "-c",
    'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"',
    "sh",
)


def test_a_machine_that_grants_less_is_told_of_and_still_holds(tmp_path: Path) -> None:
    built = library()
    if built is None:
        pytest.skip("the kernel worker is not built: run `cargo build -p spatialclaw-kernel-worker` first")
    if subprocess.run([*WITHOUT_NAMESPACES, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("this machine makes no user namespaces")
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir(mode=0o700)
    template = Template(home, built, WITHOUT_NAMESPACES)
    granted = template.ready["walls"].split("+")
    kernel = template.kernel(scratch)
    assert "userns" not in granted and kernel.walls == "+".join(granted)
    for code in ("open('/etc/passwd')", "import os; os.fork()", "import socket; socket.socket()"):
        failed = kernel.run(code)
        assert failed.error is not None and failed.error[0] in REFUSALS
    kernel.close()
    assert template.close() == 0


def test_a_template_that_cannot_start_says_why_and_never_gets_ready(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ended = subprocess.run(
            [sys.executable, "-I", "-B", "-c", BOOTSTRAP, str(PACKAGE), str(tmp_path / "missing.so")],
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode != 0 and "missing.so" in ended.stderr


def test_all_kernels_together_are_bounded(tmp_path: Path) -> None:
    built = library()
    if built is None:
        pytest.skip("the kernel worker is not built: run `cargo build -p spatialclaw-kernel-worker` first")
    for name in ("home", "one", "other"):
        (tmp_path / name).mkdir(mode=0o700)
    template = Template(tmp_path / "home", built)
    if "cgroup" not in template.ready["walls"]:
        template.close()
        pytest.skip("this machine hands no control groups on")
    (bound,) = [path for path in _bounds(template.process.pid) if path.exists()]
    assert int(bound.read_text()) > 1 << 30
    bound.write_text(str(1 << 30))
    greedy, modest = template.kernel(tmp_path / "one"), template.kernel(tmp_path / "other")
    modest.run("kept = 7")
    with pytest.raises(AssertionError, match="ended in the middle"):
        greedy.run("big = np.ones(3 << 30, np.uint8)")
    assert modest.run("kept").stdout == "7\n"
    for kernel in (greedy, modest):
        kernel.close()
    assert template.close() == 0


def _bounds(pid: int) -> list[Path]:
    """Where the memory of the group of ``pid`` may be bounded."""
    lines = [line.split(":") for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    groups = [path for _, names, path in lines if names in ("memory", "") and "spatialclaw" in path]
    points = ("/sys/fs/cgroup/memory", "/sys/fs/cgroup", "/sys/fs/cgroup/unified")
    files = ("memory.limit_in_bytes", "memory.max")
    return [Path(point + path) / file for point in points for path in groups for file in files]
