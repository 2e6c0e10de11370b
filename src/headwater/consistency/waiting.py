"""TokenWaiter: reading one's own writes. Waits until views have what a token names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from headwater.domain.token import Token
from headwater.errors import ConsistencyTimeout, InvalidInput, InvalidToken, ViewParked
from headwater.ports.engine import Identity
from headwater.ports.parking import ParkedEvent, ParkedPlace
from headwater.projections.folds import Folds
from headwater.projections.parts import ProjectionParts
from headwater.projections.projection import Projection, find
from headwater.projections.reaching import Deadline, failure_at, reached, served_places

__all__ = ["TokenWaiter"]


class TokenWaiter:
    """Waits for projections to pass the events of a token, in this process or another."""

    def __init__(
        self,
        parts: ProjectionParts,
        projections: Mapping[str, Projection],
        identity: Identity,
        folds: Folds | None = None,
    ) -> None:
        self._parts = parts
        self._projections = projections
        self._identity = identity
        self._is_live = folds.is_live if folds is not None else _never

    async def wait_at_least(self, token: Token | str, projections: Sequence[object], timeout: float) -> None:
        """As `wait`, for a token or its text; without projections: for all. Raises InvalidToken too."""
        if isinstance(token, str):
            token = Token.from_text(token, self._identity.secret)
        await self.wait(token, projections or tuple(self._projections), timeout)

    def check(self, projections: Sequence[object], timeout: float) -> list[str]:
        """The projections' names; raises UnknownName, or InvalidInput for no list or no number of seconds."""
        if isinstance(projections, str | type):
            raise InvalidInput("wait_for= takes a list of projections, as in wait_for=[Users]")
        if not 0 <= timeout < math.inf:
            raise InvalidInput(f"a wait takes a number of seconds from 0, got {timeout!r}")
        return [find(self._projections, target).name for target in projections if not self._is_live(target)]

    async def wait(self, token: Token, projections: Sequence[object], timeout: float) -> None:
        """Return once each projection (a class, a name, or a read model) has the effect of the token's events.

        Raises ConsistencyTimeout after `timeout` seconds, or when the projection gives up: committed, the view late;
        ViewParked if an event of the token, or an earlier one of its stream, is parked; InvalidToken for another
        store's; and what `check` raises.
        """
        if not isinstance(token, Token):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a checker
            raise InvalidToken(
                f"at_least= takes the token of a receipt, or its signed text, got {type(token).__name__}"
            )
        if token.store != self._identity.store_id:
            raise InvalidToken("this token was made by another store: use the token of a receipt of this one")
        named = self.check(projections, timeout)
        deadline = Deadline(self._parts, timeout)
        for stream, version in token.writes:
            place = await self._place(stream, version, deadline)
            for name in named:
                if place is None:
                    raise ConsistencyTimeout(token, name, timeout)
                if not await reached(self._parts, name, place[0], place[1] + 1, deadline):
                    raise ConsistencyTimeout(
                        token, name, timeout, failure_at(self._parts, name, place[0]), await self._pause(name)
                    )
                await self._check_parked(token, name, stream, *place)

    async def _place(self, stream: str, version: int, deadline: Deadline) -> tuple[int, int] | None:
        """Partition and offset of the event; None if it has none by the deadline."""
        while True:
            seen = self._parts.wakeups.seen()
            place = await self._parts.log.offset_of(stream, version)
            if place is not None or deadline.seconds_left <= 0:
                return place
            await self._parts.wakeups.wait(seen, deadline.seconds_left)

    async def _check_parked(self, token: Token, projection: str, stream: str, partition: int, offset: int) -> None:
        """Raises ViewParked if the event is parked, or an earlier one of its stream that stands for its key."""
        for at in await served_places(self._parts, projection):
            standing = self._parts.arrivals.at(at)
            if at.partition != partition or (standing is not None and not standing.parked):
                continue
            before = ParkedPlace(projection, at.generation, partition, offset - 1)
            parked = await self._parked(before) or await self._parked(before, key=stream)
            if parked is not None and parked.offset <= offset:
                raise ViewParked(token, projection, await self._cause(parked))

    async def _pause(self, projection: str) -> str:
        """By whom it is paused and why; empty where it is not."""
        found = [pause for pause in await self._parts.conditions.pauses() if pause.projection == projection]
        return f"by {found[0].by} ({found[0].reason or 'no reason given'})" if found else ""

    async def _parked(self, before: ParkedPlace, key: str | None = None) -> ParkedEvent | None:
        """What is parked right behind a place; or the first event of a key, wherever it is in the partition."""
        found = await self._parts.parking.parked(
            before.projection,
            key,
            generation=before.generation,
            partition=before.partition,
            after=before if key is None else None,
            limit=1,
        )
        if not found or (key is None and found[0].offset != before.offset + 1):
            return None
        return found[0]

    async def _cause(self, event: ParkedEvent) -> str:
        """Why the first event of this one's key is parked."""
        for queue in await self._parts.parking.queues(event.projection, event.generation, event.partition):
            if queue.key == event.key and queue.error is not None:
                return queue.error
        return "it is about to be handled again"


def _never(target: object) -> bool:
    return False
