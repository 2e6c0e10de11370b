"""What an eye can hold: 300 lines a file, tests too, and 40 lines a function of the source.

The exceptions give a reason, and only shrink.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.modules import ROOT, functions, source_files, written_tests

FILE_LINES = 300
FUNCTION_LINES = 40

LONG_FILES: dict[str, tuple[int, str]] = {
    "src/headwater/errors.py": (490, "one tree, read and changed as a whole"),
}
LONG_FUNCTIONS: dict[str, tuple[int, str]] = {
    "src/headwater/manager.py::__init__": (85, "every option of an application, and where it goes, top to bottom"),
}


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the last, without the docstring."""
    total = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is None:
        return total
    return total - ((first.end_lineno or first.lineno) - first.lineno + 1)


def file_sizes() -> dict[str, int]:
    return {path.relative_to(ROOT).as_posix(): lines(path) for path in [*source_files(), *written_tests()]}


def function_sizes() -> dict[str, int]:
    sizes: dict[str, int] = {}
    for path in source_files():
        for function in functions(path):
            name = f"{path.relative_to(ROOT).as_posix()}::{function.name}"
            sizes[name] = max(sizes.get(name, 0), length(function))
    return sizes


def too_long(sizes: dict[str, int], ceiling: int, allowed: dict[str, tuple[int, str]]) -> dict[str, int]:
    return {name: size for name, size in sizes.items() if size > allowed.get(name, (ceiling, ""))[0]}


def stale(sizes: dict[str, int], ceiling: int, allowed: dict[str, tuple[int, str]]) -> list[str]:
    """Exceptions that nothing needs any more."""
    return [name for name in allowed if sizes.get(name, 0) <= ceiling]


def test_no_file_is_too_long() -> None:
    assert too_long(file_sizes(), FILE_LINES, LONG_FILES) == {}


def test_no_function_is_too_long() -> None:
    assert too_long(function_sizes(), FUNCTION_LINES, LONG_FUNCTIONS) == {}


def test_no_exception_outlives_its_reason() -> None:
    assert stale(file_sizes(), FILE_LINES, LONG_FILES) == []
    assert stale(function_sizes(), FUNCTION_LINES, LONG_FUNCTIONS) == []


@pytest.mark.parametrize(("size", "found"), [(10, {}), (11, {"f": 11})])
def test_the_ceiling_is_the_last_size_allowed(size: int, found: dict[str, int]) -> None:
    assert too_long({"f": size}, 10, {}) == found


def test_an_exception_is_held_to_its_own_ceiling() -> None:
    allowed = {"f": (20, "a reason")}
    assert too_long({"f": 20}, 10, allowed) == {}
    assert too_long({"f": 21}, 10, allowed) == {"f": 21}
    assert stale({"f": 10}, 10, allowed) == ["f"]
