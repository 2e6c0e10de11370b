"""Decisions over boundaries: what a handler folds is a condition of what its command commits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from headwater.commands.boundaries import Boundaries
from headwater.commands.repository import Repository
from headwater.domain.boundary import Boundary
from headwater.domain.upcaster import Shape, Upcaster
from headwater.domain.version import NoStream
from headwater.engines.memory import MemoryEngine
from headwater.errors import (
    BadDeclaration,
    BoundaryChanged,
    InvalidInput,
    UniqueKeyTaken,
    UnknownEventType,
    WrongExpectedVersion,
)
from headwater.handling.routing import handles
from headwater.manager import CQRSManager
from headwater.ports.event_store import EventStore
from headwater.testing.controls import append_of
from tests.commands.rooms import NOTHING, R1, Application, Board, Note, Noted, Texts, Wiped, board, note, noted, texts


async def test_what_was_appended_is_folded_next_time() -> None:
    async with Application(note) as app:
        for number in range(4):
            receipt = await app.cqrs.commands.execute(Note(text=f"n{number}"))
            assert receipt.result == tuple(f"n{before}" for before in range(number))
            assert receipt.events == (Noted(room="r1", text=f"n{number}"),)
        assert (await app.cqrs.commands.execute(Note(room="r2"))).result == ()


async def test_it_is_decided_again_on_what_is_new_and_only_that_is_read() -> None:
    async with Application(note, partitions=1) as app:
        await app.cqrs.commands.execute(Note(text="old"))
        app.store.read_from.clear()
        app.store.rivals = ["r1", "r2"]
        assert (await app.cqrs.commands.execute(Note())).result == ("old", "r1", "r2")
        assert app.store.read_from == [0, 1, 2]


async def test_the_last_try_tells() -> None:
    for tries in (1, 3):
        async with Application(note, tries=tries) as app:
            app.store.rivals = [f"r{number}" for number in range(5)]
            with pytest.raises(BoundaryChanged, match="room:r1"):
                await app.cqrs.commands.execute(Note())
            assert len(app.store.rivals) == 5 - tries
            assert b'{"room":"r1","text":"new"}' not in await app.within()


async def test_a_repeated_command_has_its_first_outcome() -> None:
    async with Application(note) as app:
        first = await app.cqrs.commands.execute(Note(), command_id="c1")
        await app.cqrs.commands.execute(Note(text="later"))
        again = await app.cqrs.commands.execute(Note(), command_id="c1")
        assert (again.result, again.events, again.replayed) == (first.result, first.events, True)


def handler(function: Callable[[Note, Boundaries, Repository[Board]], Awaitable[Texts]]) -> object:
    return handles(Note)(function)


async def test_appends_to_several_streams_are_one() -> None:
    @handler
    async def several(c: Note, boundaries: Boundaries, boards: Repository[Board]) -> Texts:
        for name in ("a", "b", "a"):
            await boundaries.append(board(name), Noted(room="r1", text=name))
        return await boundaries.fold(R1, texts, NOTHING)

    async with Application(several) as app:
        app.store.rivals = ["rival"]
        receipt = await app.cqrs.commands.execute(Note())
        assert receipt.result == ("rival", "a", "a", "b")
        assert receipt.token.writes == (("board-a", 2), ("board-b", 1))


async def test_what_is_saved_has_the_conditions_too() -> None:
    @handler
    async def save(c: Note, boundaries: Boundaries, boards: Repository[Board]) -> Texts:
        known = await boundaries.fold(R1, texts, NOTHING)
        created = Board.new("b1", Noted(room="r1", text=f"{len(known)}"))
        await boards.save(created)
        await boundaries.append(board(), Noted(room="r1", text="and more"))
        return await boundaries.fold(R1, texts, NOTHING)

    async with Application(save) as app:
        app.store.rivals = ["rival"]
        assert (await app.cqrs.commands.execute(Note())).result == ("rival", "1", "and more")
        with pytest.raises(WrongExpectedVersion):
            await app.cqrs.commands.execute(Note())


async def test_an_aggregate_changed_after_an_append_to_its_stream_is_still_checked() -> None:
    @handler
    async def both(c: Note, boundaries: Boundaries, boards: Repository[Board]) -> Texts:
        await boundaries.append(board(), Noted(room="r2", text="first"))
        found = await boards.load("b1")
        if app.store.rivals:
            await app.store.append(append_of(board(), [noted(app.store.rivals.pop())]))
        found.emit(Noted(room="r2", text="second"))
        await boards.save(found)
        return found.texts

    async with Application(both) as app:
        app.store.rivals = ["rival"]
        assert (await app.cqrs.commands.execute(Note())).result == ("rival", "first", "second")


async def test_nothing_appended_is_decided_on_the_boundary_too_where_it_is_remembered() -> None:
    @handler
    async def nothing(c: Note, boundaries: Boundaries, boards: Repository[Board]) -> Texts:
        return await boundaries.fold(R1, texts, NOTHING)

    async with Application(nothing) as app:
        app.store.rivals = ["rival"]
        assert (await app.cqrs.commands.execute(Note(), command_id="c1")).result == ("rival",)


async def test_what_is_folded_twice_must_be_as_it_was_first() -> None:
    @handler
    async def twice(c: Note, boundaries: Boundaries, boards: Repository[Board]) -> Texts:
        first = await boundaries.fold(R1, texts, NOTHING)
        if app.store.rivals:
            await app.store.append(append_of(board(), [noted(app.store.rivals.pop())]))
        await boundaries.fold(R1, texts, NOTHING)
        await boundaries.append(board(), Noted(room="r1", text="new"))
        return first

    async with Application(twice) as app:
        app.store.rivals = ["rival"]
        assert (await app.cqrs.commands.execute(Note())).result == ("rival",)


async def test_versions_and_unique_keys_may_be_asked_for() -> None:
    @handler
    async def claim(c: Note, boundaries: Boundaries, boards: Repository[Board]) -> Texts:
        event = Noted(room=c.room, text=c.text)
        await boundaries.append(board(c.room), event, expected=NoStream(), unique=[("text", c.text)])
        return ()

    async with Application(claim) as app:
        await app.cqrs.commands.execute(Note(room="r1", text="mine"))
        with pytest.raises(UniqueKeyTaken):
            await app.cqrs.commands.execute(Note(room="r2", text="mine"))
        with pytest.raises(WrongExpectedVersion):
            await app.cqrs.commands.execute(Note(room="r1", text="other"))


async def test_types_are_read_under_all_their_names_and_upcast() -> None:
    def from_scrawled(fields: dict[str, object]) -> list[Shape]:
        return [Shape("Noted", 1, fields), Shape("Wiped", 1, {"room": "r1"}), Shape("Noted", 1, fields)]

    @handler
    async def only_noted(c: Note, boundaries: Boundaries, boards: Repository[Board]) -> Texts:
        return await boundaries.fold(Boundary(tags=["room:r1"], types=[Noted]), texts, NOTHING)

    async with Application(only_noted, upcasters=[Upcaster("Scrawled", 1, from_scrawled)]) as app:
        events = [noted("a"), noted("b", "Scrawled"), noted("c", "Wiped")]
        await app.store.append(append_of(board(), events))
        assert (await app.cqrs.commands.execute(Note())).result == ("a", "b", "b")


async def test_with_upcasters_too_only_what_is_wanted_is_folded_of_what_was_appended_and_read() -> None:
    """Any upcaster widens what is read: to every type that may become a wanted one."""

    def names(before: Texts, event: object) -> Texts:
        return (*before, type(event).__name__)

    @handler
    async def both(c: Note, boundaries: Boundaries, boards: Repository[Board]) -> Texts:
        await boundaries.append(board(), Noted(room="r1", text=c.text), Wiped(room="r1"))
        wiped = await boundaries.fold(Boundary(tags=["room:r1"], types=[Wiped]), names, NOTHING)
        return await boundaries.fold(Boundary(tags=["room:r1"], types=[Noted, Wiped]), names, wiped)

    for upcasters in ([], [Upcaster("Noted", 9, lambda fields: fields)]):
        async with Application(both, upcasters=upcasters) as app:
            assert (await app.cqrs.commands.execute(Note())).result == ("Wiped", "Noted", "Wiped")
            again = await app.cqrs.commands.execute(Note())
            assert again.result == ("Wiped", "Wiped", "Noted", "Wiped", "Noted", "Wiped")


async def test_a_type_that_nobody_knows_is_told() -> None:
    async with Application(note) as app:
        await app.store.append(append_of(board(), [noted("a", "Other")]))
        with pytest.raises(UnknownEventType, match="'Other'"):
            await app.cqrs.commands.execute(Note())


async def test_outside_of_a_handler_a_fold_reads_and_an_append_is_refused() -> None:
    kept: list[Boundaries] = []

    @handler
    async def keep(c: Note, boundaries: Boundaries, boards: Repository[Board]) -> Texts:
        kept.append(boundaries)
        with pytest.raises(InvalidInput, match="no events"):
            await boundaries.append(board())
        await boundaries.append(board(), Noted(room="r1", text=c.text))
        return ()

    async with Application(keep) as app:
        await app.cqrs.commands.execute(Note())
        assert await kept[0].fold(R1, texts, NOTHING) == ("new",)
        with pytest.raises(BadDeclaration, match="by the handler of a command"):
            await kept[0].append(board(), Noted(room="r1"))


class WithoutBoundaries:
    """An event store that has only what every engine has."""

    def __init__(self, events: EventStore) -> None:
        self.append, self.load, self.fold_rows = events.append, events.load, events.fold_rows
        self.head, self.count = events.head, events.count


async def test_an_engine_without_boundaries_is_refused_at_start_up() -> None:
    engine = MemoryEngine()
    engine.events = WithoutBoundaries(engine.events)
    with pytest.raises(BadDeclaration, match="note decides over boundaries, which memory does not hold"):
        await CQRSManager(engine, handlers=[note], events=[Noted]).initialize()
    async with CQRSManager(engine):
        pass
