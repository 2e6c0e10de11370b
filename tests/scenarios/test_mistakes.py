"""Mistakes in wiring and calls: each is told as one, with what to do, before anything is written."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from headwater import (
    Command,
    CommandBus,
    CQRSManager,
    Event,
    Key,
    ProjectionHandler,
    Query,
    QueryHandler,
    ReadModel,
    Settings,
    Upcaster,
    ValidationMiddleware,
    handles,
)
from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import BadDeclaration, BadSignature, ConfigurationError, InvalidInput, MissingHandler
from headwater.limits import Limits


class Said(Event):
    text: str


class Say(Command[int]):
    text: str


class GetSaid(Query[int]):
    pass


class FindEverything(Query[int]):
    pass


class SaidView(ReadModel):
    id: Key[str]


class Sayings(ProjectionHandler, writes=[SaidView]):
    @on(Said)
    async def said(self, e: Recorded[Said]) -> None:
        """Nothing to keep."""


class Answers(QueryHandler):
    async def get_said(self) -> int:
        return 1


@handles(Say)
async def say(c: Say) -> int:
    return len(c.text)


def manager(**options: object) -> CQRSManager:
    made: Callable[..., CQRSManager] = CQRSManager
    return made(**{"engine": "memory://", "handlers": [say, Answers()]} | options)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"middleware": [5]}, "5 is no middleware"),
        ({"middleware": [ValidationMiddleware]}, r"write ValidationMiddleware\(\) instead"),
        ({"query_middleware": [ValidationMiddleware]}, r"write ValidationMiddleware\(\) instead"),
        ({"upcasters": [1]}, "takes Upcaster"),
        ({"read_models": [int]}, "takes ReadModel classes or names"),
        ({"read_models": [5]}, "takes ReadModel classes or names"),
        ({"caching": True}, r"takes Caching\(ttl=60\)"),
        ({"caching": {"ttl": -1}}, "ttl above 0"),
        ({"caching": {"size": "many"}}, "does not fit"),
        ({"engine": None}, "takes a URL"),
        ({"engine": 5}, "takes a URL"),
        ({"projections": Sayings()}, r"projections=\[Users\(\)\]"),
        ({"projections": [5]}, "takes ProjectionHandler objects"),
        ({"event_store": "x", "command_store": "x"}, "are both 'x'"),
    ],
)
def test_an_option_that_cannot_be(options: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        manager(**options)


@pytest.mark.parametrize("value", [-1, 0, 1.5, True, "5"])
@pytest.mark.parametrize("name", Limits.__struct_fields__)
def test_a_limit_that_cannot_be(name: str, value: object) -> None:
    made: Callable[..., Limits] = Limits
    with pytest.raises(ConfigurationError, match=name):
        made(**{name: value})


@pytest.mark.parametrize("name", ["headwater_store", "headwater_leases", "sqlite_master"])
@pytest.mark.parametrize("option", ["event_store", "command_store"])
async def test_a_table_of_our_own(option: str, name: str, tmp_path: Path) -> None:
    made = manager(engine=f"sqlite:///{tmp_path}/shop.db", **{option: name})
    with pytest.raises(BadDeclaration, match=f"{name!r} clashes"):
        await made.initialize()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"context": "bob"}, r"takes a Context\(principal"),
        ({"timeout": -1}, "seconds from 0"),
        ({"timeout": math.nan}, "seconds from 0"),
    ],
)
async def test_an_execution_that_cannot_be(options: dict[str, object], told: str) -> None:
    async with manager() as cqrs:
        execute: Callable[..., object] = cqrs.commands.execute
        with pytest.raises(InvalidInput, match=told):
            await execute(Say(text="a"), **options)  # type: ignore[misc]


async def test_the_other_bus() -> None:
    async with manager() as cqrs:
        ask: Callable[..., object] = cqrs.commands.execute
        tell: Callable[..., object] = cqrs.queries.execute
        with pytest.raises(MissingHandler, match=r"GetSaid is a query: use queries\.execute"):
            await ask(GetSaid())  # type: ignore[misc]
        with pytest.raises(MissingHandler, match=r"Say is a command: use commands\.execute"):
            await tell(Say(text="a"))  # type: ignore[misc]


async def test_a_query_whose_name_is_close_to_one() -> None:
    class GetSaids(Query[int]):
        pass

    async with manager() as cqrs:
        with pytest.raises(MissingHandler, match=r"did you mean GetSaid\?"):
            await cqrs.queries.execute(GetSaids())
        with pytest.raises(MissingHandler, match=r"did you mean GetSaid\?"):
            await cqrs.queries.execute({"type": "GetSayd"})
        with pytest.raises(MissingHandler, match=r"register one before executing it$"):
            await cqrs.queries.execute(FindEverything())


async def test_a_local_message_needs_no_resolvable_annotation() -> None:
    class Local(Command[int]):
        pass

    @handles(Local)
    async def local(c: Local, bus: CommandBus) -> int:
        return (await bus.execute(Say(text="abc"))).result

    async with manager(handlers=[say, local]) as cqrs:
        assert (await cqrs.commands.execute(Local())).result == 3


def test_a_local_class_that_must_be_resolved() -> None:
    class Own:
        pass

    @handles(Say)
    async def wants(c: Say, own: Own) -> int:
        return 0

    with pytest.raises(BadSignature, match="declared at module level, or drop `from __future__ import annotations`"):
        manager(handlers=[wants])


def test_a_mutable_default() -> None:
    with pytest.raises(BadDeclaration, match="Listed cannot be declared so"):

        class Listed(ReadModel):
            id: Key[str]
            xs: list[int] = [1]  # noqa: RUF012  # the mistake

    with pytest.raises(BadDeclaration, match="Heard cannot be declared so"):

        class Heard(Event):
            xs: list[int] = [1]  # noqa: RUF012  # the mistake


def test_settings_beside_other_options() -> None:
    settings = Settings(url="memory://", command_store="asked")
    made = CQRSManager(
        **settings.arguments(), upcasters=[Upcaster("Said", 1, lambda f: f)], limits=Limits(depth=3), handlers=[say]
    )
    assert made.registry.limits.depth == 3
