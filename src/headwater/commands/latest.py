"""Latest: the row of a stream as of now, to be looked at, or to decide by."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Generic, TypeVar

from headwater.commands.committing import Committer
from headwater.commands.context import current_command
from headwater.domain.append import Append, Write
from headwater.domain.stream import StreamId
from headwater.domain.version import Exact
from headwater.models.model import ReadModel
from headwater.ports.event_store import EventStore
from headwater.projections.folds import Folds
from headwater.projections.live import StreamRows
from headwater.projections.parts import ProjectionParts

__all__ = ["ForWriting", "Latest"]

M = TypeVar("M", bound=ReadModel)
M_co = TypeVar("M_co", bound=ReadModel, covariant=True)


class ForWriting(Generic[M_co]):
    """The row of a stream to decide by, and what was decided."""

    def __init__(self, row: M_co | None, version: int, stream: StreamId) -> None:
        self.row = row
        """After `version` events; None where there is none."""
        self.version = version
        """Of the stream: what the append will expect."""
        self.stream = stream
        self.events: list[object] = []
        """To be appended."""

    def append(self, *events: object) -> None:
        """Append events of registered classes to the stream once the block is left."""
        self.events += events


class Latest:
    """Rows of folds keyed by the stream, exact whether their projections run async, inline, or live.

    Injected into handlers by its class. Other rows are found with Views.
    """

    def __init__(self, folds: Folds, parts: ProjectionParts, events: EventStore, committer: Committer) -> None:
        self._folds = folds
        self._rows = StreamRows(parts, events)
        self._committer = committer

    async def fetch_latest(self, model: type[M], key: str) -> M | None:
        """The row after every event committed to its stream; None where there is none.

        Raises UnknownName for a model of no fold, InvalidInput for one whose rows are not of streams, InvalidId, and
        what the fold's steps raise.
        """
        stream = self._folds.stream(model, key)
        return (await self._rows.at_head(self._folds.of(model), stream)).row

    def fetch_for_writing(
        self, model: type[M], key: str, *, partition_key: str | None = None
    ) -> AbstractAsyncContextManager[ForWriting[M]]:
        """`async with latest.fetch_for_writing(AccountView, "a1") as account:` the row, and a door to append by.

        What the block has handed to `account.append` is committed when it is left, on condition that the stream is
        still at `account.version`; in a command's handler it is staged, as a repository's save is. Nothing is, where
        the block raises. `partition_key` is the stream's, where its aggregate declares `partition_by=`.

        Raises as `fetch_latest`, and WrongExpectedVersion, from the block's end or from `execute`.
        """
        return self._for_writing(model, key, partition_key)

    @asynccontextmanager
    async def _for_writing(
        self, model: type[M], key: str, partition_key: str | None
    ) -> AsyncGenerator[ForWriting[M], None]:
        stream = self._folds.stream(model, key)
        context = current_command.get()
        found = await self._rows.at_head(self._folds.of(model), stream)
        if context is not None:
            context.remember(str(stream), *context.recall(str(stream)))  # a conflict is decided again
        fetched = ForWriting(found.row, found.version, stream)
        yield fetched
        if not fetched.events:
            return
        write = Write(
            stream=stream,
            expected=Exact(fetched.version),
            events=tuple([self._committer.encode(event) for event in fetched.events]),
            partition_key=partition_key,
        )
        staged = None if context is None else context.staging()
        if staged is None:
            await self._committer.commit(Append(writes=(write,)))
        else:
            staged.stage([write], (), fetched.events)
