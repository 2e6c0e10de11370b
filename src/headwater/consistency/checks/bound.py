"""BoundCheck: a check with everything injected, its answers in one form."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar, cast

from headwater.consistency.checks.check import CheckResult, ConsistencyCheck, Inconsistency, Part, PartwiseCheck, Repair
from headwater.consistency.checks.check import seconds_of as seconds
from headwater.errors import BadDeclaration, BadSignature, ProjectionError
from headwater.handling.injection import Injector, parameters
from headwater.ports.admin import Finding
from headwater.projections.projection import Projection, find

__all__ = ["BoundCheck"]

T = TypeVar("T")


class BoundCheck:
    """What the manager needs of a check. Raises BadSignature, UnknownName for one that cannot work."""

    def __init__(self, declared: ConsistencyCheck, injector: Injector, known: Mapping[str, Projection]) -> None:
        self.name = declared.name
        self.every = 0.0 if declared.every is None else seconds(declared.every, "every=")
        """The shortest time between two looks of the schedule, in seconds."""
        wanted = tuple(known) if declared.projections is None else declared.projections
        if isinstance(wanted, str | type):
            raise BadDeclaration(f"check {self.name!r}: projections= takes a list, as in projections=[Users]")
        self.projections = tuple(dict.fromkeys(find(known, one).name for one in wanted))
        """The names of those whose rows it looks at."""
        self._look = _look(declared, injector)
        self._repair = None if declared.on_inconsistency is None else _repair(declared.on_inconsistency, injector)

    @property
    def repairs(self) -> bool:
        """True if something is to be done about an inconsistency."""
        return self._repair is not None

    async def look(self, cursor: str) -> Part:
        """The part at the cursor. Raises what the check raises."""
        return await _uncancelled(self._look(cursor))

    async def repair(self, result: CheckResult) -> None:
        """Do what the check declares. Raises what that raises."""
        if self._repair is not None:
            await _uncancelled(self._repair(result))


async def _uncancelled(work: Awaitable[T]) -> T:
    """What the work returns. That what it awaited was cancelled is an error like any other; our own end is not."""
    try:
        return await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ProjectionError("what it awaited was cancelled") from error


def _look(declared: ConsistencyCheck, injector: Injector) -> Callable[[str], Awaitable[Part]]:
    check = declared.check
    if isinstance(check, PartwiseCheck):
        return check.part
    if not inspect.iscoroutinefunction(check):
        raise BadSignature(f"the check of {declared.name!r} must be `async def`: it is awaited")
    ask = injector.bind(check, 0)

    async def look(_: str) -> Part:
        shown: object = await ask()
        return Part(found=_found(declared.name, shown), looked_at=1)

    return look


def _found(name: str, shown: object) -> list[Inconsistency]:
    if isinstance(shown, bool):
        return [] if shown else [Inconsistency(f"{name} does not hold")]
    if isinstance(shown, str) or not isinstance(shown, Iterable):
        raise BadDeclaration(
            f"the check {name!r} returned {shown!r}: return True where all is well, or a list of what is not"
        )
    return [_inconsistency(item) for item in cast("Iterable[object]", shown)]


def _inconsistency(item: object) -> Inconsistency:
    match item:
        case Inconsistency():
            return item
        case Finding(what=what, where=where):
            return Inconsistency(what, where)
        case _:
            return Inconsistency(str(item))


def _repair(function: Repair, injector: Injector) -> Callable[[CheckResult], Awaitable[object]]:
    if not inspect.iscoroutinefunction(function):
        raise BadSignature("on_inconsistency must be `async def`: it is awaited")
    first = next(iter(parameters(function).items()), None)
    if first is None or injector.can_inject(first[1][1]) or first[1][0].default is not inspect.Parameter.empty:
        bound = injector.bind(function, 0)
        return lambda _: bound()
    return injector.bind(function, 1)
