"""`import headwater` is for users: inner modules name the module they mean, and the door lists what it shows."""

from __future__ import annotations

import ast

import pytest

import headwater
from tests.architecture.modules import module_name, source_files

OUTER = ("headwater.demo",)  # an application, written as a user would write it


def uses_front_door(source: str) -> bool:
    """Whether a module does `import headwater` or `from headwater import …`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names) if any(alias.name == "headwater" for alias in names):
                return True
            case ast.ImportFrom(module="headwater", level=0):
                return True
            case _:
                pass
    return False


def reading_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, each by name: the order ruff sorts `__all__` in."""
    if name.isupper() and len(name) > 1:
        return 0, name
    return (1 if name[:1].isupper() else 2), name


def test_no_inner_module_imports_the_front_door() -> None:
    inner = [p for p in source_files() if module_name(p) != "headwater" and not module_name(p).startswith(OUTER)]
    assert [module_name(p) for p in inner if uses_front_door(p.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import headwater", True),
        ("def f():\n    from headwater import Event", True),
        ("from headwater.domain import Event", False),
        ("import headwater.errors", False),
    ],
)
def test_the_check_sees_the_front_door(source: str, found: bool) -> None:
    assert uses_front_door(source) is found


def test_the_front_door_lists_each_name_once_in_order() -> None:
    names = headwater.__all__
    assert list(names) == sorted(set(names), key=reading_order)


def test_every_listed_name_is_there() -> None:
    assert [name for name in headwater.__all__ if not hasattr(headwater, name)] == []
