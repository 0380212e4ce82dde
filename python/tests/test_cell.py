"""Running one cell."""

from __future__ import annotations

import signal

import pytest

from spatialclaw import _cell


def run(code: str, namespace: dict[str, object] | None = None) -> _cell.Failure | None:
    return _cell.run(code, 4, namespace if namespace is not None else {}, _cell.Interrupts())


def fails(code: str) -> _cell.Failure:
    failure = run(code)
    assert failure is not None, code
    return failure


def test_the_last_expression_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("x = 2\nx * 21") is None
    assert run("None") is None and run("x = 1") is None and run("") is None
    assert run("'a' * 5000") is None
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "42" and len(printed) == 2 and printed[1].endswith("characters left out]")


def test_the_line_is_that_of_the_cell_even_if_a_library_raised() -> None:
    failure = fails("import json\n\njson.loads('{')")
    assert (failure.kind, failure.line) == ("JSONDecodeError", 3)
    assert failure.trace.splitlines()[1:3] == ["  <cell 4>, line 3", "    json.loads('{')"]


def test_a_syntax_error_shows_where() -> None:
    failure = fails("x = 1\ny = (")
    assert (failure.kind, failure.line) == ("SyntaxError", 2) and "y = (" in failure.trace
    assert fails("%matplotlib inline").kind == "SyntaxError"
    assert fails("x = '\ud800").kind in ("SyntaxError", "UnicodeEncodeError")


def test_messages_say_what_to_do() -> None:
    assert "ReturnAnswer" in fails("raise SystemExit").message
    assert "time limit" in fails("raise KeyboardInterrupt").message
    assert fails("raise MemoryError").message.startswith("the session's memory limit")
    assert "no network" in fails("raise PermissionError(1, 'no')").message
    assert fails("{}['key']").message == "'key'"
    assert fails("raise KeyError('frame 3 is not there')").message == "frame 3 is not there"


def test_strange_exceptions_do_no_harm() -> None:
    assert (
        "no readable message" in fails("class E(Exception):\n    def __str__(self): raise ValueError\nraise E").message
    )
    assert len(fails("raise ValueError('x' * 10**6)").message) <= 2100
    deep = fails("def f(): f()\nf()")
    assert deep.kind == "RecursionError" and "more frames" in deep.trace and len(deep.trace) <= 4000
    assert fails("raise ValueError('\\ud800')").message == "?"


def test_compile_bombs_are_errors_of_the_cell() -> None:
    assert run("(" * 5000 + ")" * 5000) is not None
    assert fails("x = \0 1").kind in ("SyntaxError", "ValueError")


def test_interrupts_only_count_while_a_cell_runs() -> None:
    interrupts = _cell.Interrupts()
    namespace = {"strike": lambda: interrupts._on_signal(2, None)}
    failure = _cell.run("kept = 1\nstrike()\nlost = 2", 1, namespace, interrupts)
    assert failure is not None and (failure.kind, failure.line) == ("KeyboardInterrupt", 2)
    assert namespace["kept"] == 1 and "lost" not in namespace and not interrupts.armed


def test_an_interrupt_before_the_first_line_stops_the_cell_and_one_before_the_cell_does_not() -> None:
    interrupts = _cell.Interrupts()
    before = signal.getsignal(signal.SIGINT)
    try:
        interrupts._on_signal(2, None)
        interrupts.install()
        assert _cell.run("x = 1", 1, {}, interrupts) is None
        interrupts._on_signal(2, None)
        failure = _cell.run("x = 1", 2, {}, interrupts)
        assert failure is not None and failure.kind == "KeyboardInterrupt"
    finally:
        signal.signal(signal.SIGINT, before)


def test_future_imports_of_the_package_do_not_leak_into_cells(capsys: pytest.CaptureFixture[str]) -> None:
    # `from __future__ import annotations` would turn the annotation into text.
    assert run("def f(x: int): pass\nf.__annotations__['x']") is None
    assert capsys.readouterr().out == "<class 'int'>\n"
