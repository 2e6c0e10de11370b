"""A small application for the verbs to work on, and for other processes to import."""

from __future__ import annotations

import asyncio
import os

from headwater import (
    Command,
    ConsistencyCheck,
    CQRSManager,
    Event,
    Fold,
    Key,
    ProjectionHandler,
    ReadModel,
    Recorded,
    RunnerOptions,
    Views,
    on,
)
from headwater.commands.repository import Repository
from headwater.domain.aggregate import Aggregate
from headwater.handling.routing import handles
from headwater.models.model import Searchable


class Announce(Command[None]):
    id: str
    text: str


class Announced(Event):
    text: str


class Board(Aggregate, category="board"):
    @on(Announced)
    def announced(self, event: Announced) -> None:
        pass


class Notice(ReadModel, table="notice"):
    id: Key[str]
    text: Searchable[str]


class Notices(ProjectionHandler, writes=[Notice]):
    """Cannot take the word `bad` unless GOOD_NOW is set, exits at `exit`.

    With HOLD set it waits for the file of that name; with HANG for ever.
    """

    @on(Announced)
    async def announced(self, event: Recorded[Announced], views: Views) -> None:
        if "bad" in event.data.text and "GOOD_NOW" not in os.environ:
            raise ValueError(f"cannot take {event.data.text}")
        if event.data.text == "exit":
            raise SystemExit(3)
        if "HOLD" in os.environ:
            await held(os.environ["HOLD"])
        if "HANG" in os.environ:
            print("hanging", flush=True)
            await asyncio.Event().wait()
        await views.insert(Notice(id=event.stream, text=event.data.text))


async def held(path: str) -> None:
    """Until the file is there."""
    print("holding", flush=True)
    while not os.path.exists(path):  # noqa: ASYNC110  # another process makes it
        await asyncio.sleep(0.005)


@handles(Announce)
async def announce(command: Announce, boards: Repository[Board]) -> None:
    board = await boards.get_by_id(command.id) or Board(command.id)
    board.emit(Announced(text=command.text))
    await boards.save(board)


def app() -> CQRSManager:
    """The board, on the store HEADWATER_URL names."""
    return board(os.environ["HEADWATER_URL"])


def board(url: str, again_after: float | None = None) -> CQRSManager:
    options = RunnerOptions(retries=0, again_after=again_after)
    return CQRSManager(url, handlers=[announce], projections=[Notices()], runner=options)


def patient() -> CQRSManager:
    """The board, trying parked events again after an hour."""
    return board(os.environ["HEADWATER_URL"], again_after=3_600.0)


in_memory = board("memory://")
not_an_app = "text"


class ShortNotice(ReadModel, table="notice"):
    """The notices, after a release without their text."""

    id: Key[str]


class ShortNotices(ProjectionHandler, writes=[ShortNotice], name="notices"):
    @on(Announced)
    async def announced(self, event: Recorded[Announced], views: Views) -> None:
        await views.insert(ShortNotice(id=event.stream))


def changed() -> CQRSManager:
    """The board after that release."""
    return CQRSManager(os.environ["HEADWATER_URL"], handlers=[announce], projections=[ShortNotices()])


class SecondNotices(ProjectionHandler, writes=[Notice], name="notices", version=2):
    """The notices, in upper case."""

    @on(Announced)
    async def announced(self, event: Recorded[Announced], views: Views) -> None:
        await views.insert(Notice(id=event.stream, text=event.data.text.upper()))


def second() -> CQRSManager:
    """The board after a release with a second version of its projection."""
    return CQRSManager(os.environ["HEADWATER_URL"], handlers=[announce], projections=[SecondNotices()])


class Tally(ReadModel, table="tally"):
    id: Key[str]
    notices: int


class Tallies(Fold[Tally], category="board"):
    @on(Announced)
    def announced(self, row: Tally | None, e: Recorded[Announced]) -> Tally:
        return Tally(id=e.stream.partition("-")[2], notices=1 + (row.notices if row else 0))


def tallied() -> CQRSManager:
    """The board with a fold of each stream."""
    return CQRSManager(os.environ["HEADWATER_URL"], handlers=[announce], projections=[Tallies()])


async def calm(views: Views) -> list[str]:
    return [row.id for row in await views.find(Notice) if row.text.endswith("!")]


def checked() -> CQRSManager:
    """The board, with a check of its own."""
    check = ConsistencyCheck(name="calm", check=calm, projections=[Notices])
    url = os.environ["HEADWATER_URL"]
    return CQRSManager(url, handlers=[announce], projections=[Notices()], consistency=[check])
