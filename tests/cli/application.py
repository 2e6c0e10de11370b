"""A small application for the verbs to work on, and for other processes to import."""

from __future__ import annotations

import asyncio
import os

from headwater import Command, CQRSManager, Event, Key, ProjectionHandler, ReadModel, Recorded, RunnerOptions, Views, on
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
    """Cannot take the word `bad` unless GOOD_NOW is set; never ends if HANG is."""

    @on(Announced)
    async def announced(self, event: Recorded[Announced], views: Views) -> None:
        if "bad" in event.data.text and "GOOD_NOW" not in os.environ:
            raise ValueError(f"cannot take {event.data.text}")
        if "HANG" in os.environ:
            print("hanging", flush=True)
            await asyncio.Event().wait()
        await views.insert(Notice(id=event.stream, text=event.data.text))


@handles(Announce)
async def announce(command: Announce, boards: Repository[Board]) -> None:
    board = await boards.get_by_id(command.id) or Board(command.id)
    board.emit(Announced(text=command.text))
    await boards.save(board)


def app() -> CQRSManager:
    """The board, on the store HEADWATER_URL names."""
    return board(os.environ["HEADWATER_URL"])


def board(url: str) -> CQRSManager:
    options = RunnerOptions(retries=0)
    return CQRSManager(url, handlers=[announce], projections=[Notices()], runner=options)


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
