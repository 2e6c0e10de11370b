"""Snapshots of aggregates: time saved, and never a wrong state."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from headwater.commands.repository import Repository
from headwater.commands.snapshotting import fold_fingerprint
from headwater.domain.aggregate import Aggregate
from headwater.domain.messages import Event
from headwater.domain.on import on
from headwater.errors import BadDeclaration
from headwater.ports.snapshots import Snapshot
from tests.commands.bank import Bank


class Counted(Event):
    by: int


class Counter(Aggregate, category="counter", snapshot_every=3):
    total: int = 0
    seen: tuple[int, ...] = ()
    closed: bool = False

    @on(Counted)
    def counted(self, e: Counted) -> None:
        self.total += e.by
        self.seen += (e.by,)


class Shop:
    """A counter behind a repository, and its snapshots."""

    def __init__(self, bank: Bank, kind: type[Counter] = Counter) -> None:
        self.bank = bank
        bank.registry.register(Counted)
        self.counters: Repository[Counter] = bank.repository(kind)
        self.kind = f"{kind.__name__}:{fold_fingerprint(kind)}"

    async def count(self, times: int) -> None:
        counter = await self.counters.get_by_id("c") or self.counters.aggregate("c")
        for _ in range(times):
            counter.emit(Counted(by=1))
        await self.counters.save(counter)

    async def kept(self) -> Snapshot | None:
        return await self.bank.engine.snapshots.load("counter-c", self.kind)

    async def keep(self, version: int, state: bytes) -> None:
        await self.bank.engine.snapshots.delete("counter-c")
        snapshot = Snapshot(stream="counter-c", kind=self.kind, version=version, state=state)
        await self.bank.engine.snapshots.save(snapshot)


@pytest.fixture
async def shop() -> Shop:
    return Shop(await Bank().open())


async def test_it_saves_reading(shop: Shop) -> None:
    await shop.count(4)
    assert (await shop.counters.load("c")).total == 4
    kept = await shop.kept()
    assert kept is not None
    assert (kept.version, msgspec.json.decode(kept.state)) == (4, {"total": 4, "seen": [1, 1, 1, 1], "closed": False})
    await shop.count(1)
    shop.bank.store.folds.clear()
    counter = await shop.counters.load("c")
    assert (counter.total, counter.seen, counter.version) == (5, (1,) * 5, 5)
    assert shop.bank.store.folds == [("counter-c", 4, 1)]


async def test_a_few_events_are_not_worth_one(shop: Shop) -> None:
    await shop.count(2)
    await shop.counters.load("c")
    assert await shop.kept() is None


def make(source: str) -> type[Counter]:
    space: dict[str, Any] = {"Counter": Counter, "Counted": Counted, "on": on, "Aggregate": Aggregate}
    exec(source, space)
    made: type[Counter] = space["Made"]
    return made


FOLD = """
class Made(Aggregate, category="counter", snapshot_every=3):
    total: int = 0
    @on(Counted)
    def counted(self, e): self.total += {}
"""


def test_another_fold_is_another_kind() -> None:
    prints = {fold_fingerprint(make(FOLD.format(by))) for by in ("e.by", "2 * e.by", "3 * e.by", "e.by ")}
    assert len(prints) == 3
    assert fold_fingerprint(make(FOLD.replace("total: int", "total: float").format("e.by"))) not in prints


PRINT = """
from headwater import Aggregate, Event, on
from headwater.commands.snapshotting import fold_fingerprint
class Counted(Event):
    by: str
{}
print(fold_fingerprint(Made))
"""


def test_a_set_in_the_fold_has_one_fingerprint_in_every_process() -> None:
    program = PRINT.format(FOLD.format("e.by in {'a', 'b', 'c', 'd', 'e', 'f', 'g'}"))
    prints = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(prints) == 1


@pytest.mark.parametrize(
    ("version", "state", "warning"),
    [
        (99, b'{"total":99,"seen":[],"closed":true}', "is ahead of its stream"),
        (3, b'{"total":"many","seen":[],"closed":true}', "does not fit"),
        (3, b'{"total":', "does not fit"),
        (3, b"\x80\x04", "does not fit"),
        (3, b'{"seen":[]}', "does not fit"),
    ],
)
async def test_one_that_is_wrong_is_never_believed(
    shop: Shop, caplog: pytest.LogCaptureFixture, version: int, state: bytes, warning: str
) -> None:
    await shop.count(4)
    await shop.keep(version, state)
    with caplog.at_level(logging.WARNING, "headwater.snapshots"):
        counter = await shop.counters.load("c")
    assert (counter.total, counter.version, counter.seen) == (4, 4, (1,) * 4)
    assert warning in caplog.text


async def test_one_that_is_ahead_leaves_nothing_behind(shop: Shop) -> None:
    await shop.keep(99, b'{"total":99,"seen":[9],"closed":true}')
    assert await shop.counters.get_by_id("c") is None
    await shop.count(1)
    await shop.keep(99, b'{"total":99,"seen":[9],"closed":true}')
    counter = await shop.counters.load("c")
    assert (counter.seen, counter.closed) == ((1,), False)


async def test_state_of_another_type_than_declared_is_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    class Loose(Counter):
        @on(Counted)
        def counted(self, e: Counted) -> None:
            self.total = float("nan")  # type: ignore[assignment]  # what is refused

    shop = Shop(await Bank().open(), Loose)
    await shop.count(4)
    with caplog.at_level(logging.WARNING, "headwater.snapshots"):
        await shop.counters.load("c")
    assert await shop.kept() is None
    assert "an attribute is not of its declared type" in caplog.text


async def test_state_that_is_not_declared_is_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    class Hidden(Counter):
        @on(Counted)
        def counted(self, e: Counted) -> None:
            self.extra = 1

    shop = Shop(await Bank().open(), Hidden)
    await shop.count(4)
    with caplog.at_level(logging.WARNING, "headwater.snapshots"):
        await shop.counters.load("c")
    assert await shop.kept() is None
    assert "annotate ['extra'] on the class" in caplog.text


async def test_state_that_is_no_json() -> None:
    class Odd(Aggregate, category="odd", snapshot_every=1):
        value: set[dict[int, list[int]]] | frozenset[int] = frozenset()

    bank = await Bank().open()
    with pytest.raises(BadDeclaration, match="its state is no JSON"):
        bank.repository(Odd)
