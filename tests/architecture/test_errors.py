"""One tree of errors, drawn in the docstring of `headwater.errors` as it is."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable

import pytest

from headwater import errors
from headwater.errors import HeadwaterError
from tests.architecture.modules import module_names

ROW = re.compile(r"^(?P<indent>[│ ]*)[├└]── (?P<name>\w+)")


def exceptions_of(module: str) -> list[type[BaseException]]:
    """The exception classes that `module` defines."""
    members = vars(importlib.import_module(module)).values()
    return [m for m in members if isinstance(m, type) and issubclass(m, BaseException) and m.__module__ == module]


def strays(exceptions: Iterable[type[BaseException]]) -> list[str]:
    """Those a caller's `except HeadwaterError` would miss; a failed assertion in a user's test is no error of ours."""
    return [e.__qualname__ for e in exceptions if not issubclass(e, HeadwaterError | AssertionError)]


def drawn_parents(drawing: str) -> dict[str, str]:
    """Child to parent, as the lines of the drawing say."""
    parents: dict[str, str] = {}
    path = ["HeadwaterError"]
    for row in filter(None, map(ROW.match, drawing.splitlines())):
        depth = 1 + len(row["indent"]) // 4
        path[depth:] = [row["name"]]
        parents[row["name"]] = path[depth - 1]
    return parents


@pytest.mark.parametrize("module", module_names())
def test_every_exception_descends_from_the_root(module: str) -> None:
    assert strays(exceptions_of(module)) == []


def test_the_check_sees_a_stray() -> None:
    class Stray(Exception):
        pass

    assert strays([Stray, HeadwaterError]) == ["test_the_check_sees_a_stray.<locals>.Stray"]


def test_the_drawing_is_the_tree() -> None:
    tree = {e.__name__: e.__bases__[0].__name__ for e in exceptions_of("headwater.errors") if e is not HeadwaterError}
    assert drawn_parents(errors.__doc__ or "") == tree


def test_a_drawing_is_read_by_its_indent() -> None:
    assert drawn_parents("HeadwaterError\n├── A   why\n│   └── B\n└── C") == {
        "A": "HeadwaterError",
        "B": "A",
        "C": "HeadwaterError",
    }
