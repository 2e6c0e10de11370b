"""Planting: a change of a module's source, in force for a while, in this process alone."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import msgspec

__all__ = ["Edit", "planted"]

REACH = ("headwater.engines.cassandra.", "tests.cassandra.")


class Edit(msgspec.Struct, frozen=True):
    """A text that is in the source of a module exactly once, and what stands there instead."""

    module: str
    old: str
    new: str


@contextmanager
def planted(edits: Sequence[Edit]) -> Iterator[None]:
    """Run with these edits."""
    sources: dict[str, str] = {}
    for edit in edits:
        source = sources.get(edit.module) or inspect.getsource(importlib.import_module(edit.module))
        if source.count(edit.old) != 1:
            raise ValueError(f"{edit.module} has {source.count(edit.old)} times: {edit.old}")
        sources[edit.module] = source.replace(edit.old, edit.new)
    with ExitStack() as stack:
        for module, source in sources.items():
            stack.enter_context(_replaced(module, source))
        yield


@contextmanager
def _replaced(name: str, source: str) -> Iterator[None]:
    module = sys.modules[name]
    before = dict(vars(module))
    exec(compile(source, f"<planted in {name}>", "exec"), vars(module))
    after = dict(vars(module))
    _rebind(before, after)
    try:
        yield
    finally:
        _rebind(after, before)
        vars(module).clear()
        vars(module).update(before)


def _rebind(before: Mapping[str, object], after: Mapping[str, object]) -> None:
    """Whoever has imported a name has the new one."""
    defined = {name for name, value in after.items() if before.get(name) is not value and not name.startswith("__")}
    for name, module in list(sys.modules.items()):
        if name.startswith(REACH):
            for imported, value in list(vars(module).items()):
                if imported in defined and imported in before and value is before[imported]:
                    setattr(module, imported, after[imported])
