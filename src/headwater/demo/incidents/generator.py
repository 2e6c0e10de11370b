"""Generator: rows of the same shape as the data set, for when it is not there. One seed gives one sequence."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

__all__ = ["SEED", "generated_rows"]

SEED: Final = 20160229
_OPENING: Final = datetime(2016, 2, 29, 1, 16, tzinfo=UTC)
_PRIORITIES: Final = ("3 - Moderate", "4 - Low", "2 - High", "1 - Critical")
_PROMISED: Final = {"3 - Moderate": 72, "4 - Low": 168, "2 - High": 24, "1 - Critical": 8}
"""Hours."""
_AFTER: Final[dict[str, tuple[tuple[str, ...], tuple[int, ...]]]] = {
    "New": (("New", "Active", "Resolved", "Awaiting User Info", "-100"), (60, 25, 10, 8, 1)),
    "Active": (("Active", "Resolved", "Awaiting User Info", "Awaiting Vendor", "Closed"), (60, 30, 9, 2, 1)),
    "Awaiting User Info": (("Awaiting User Info", "Active", "Resolved"), (50, 15, 35)),
    "Awaiting Vendor": (("Awaiting Vendor", "Active", "Resolved"), (60, 15, 25)),
    "-100": (("Resolved",), (1,)),
    "Resolved": (("Closed", "Resolved", "Active"), (94, 3, 3)),
}


@dataclass(slots=True, eq=False)
class _Ticket:
    """An incident on its way, as its last row has it."""

    number: str
    opened_at: datetime
    state: str
    priority: str
    group: str
    version: int = 1
    reassignments: int = 0
    reopens: int = 0
    modifications: int = 0
    made_sla: bool = True


def generated_rows(seed: int = SEED) -> Iterator[list[str]]:
    """Rows in the order of `COLUMNS`, without end; any number of them is a prefix of any larger number."""
    random = Random(seed)
    waiting: list[tuple[datetime, int, _Ticket]] = []
    line, count, arrival = 0, 45, _OPENING
    while True:
        if not waiting or arrival <= waiting[0][0]:
            heapq.heappush(
                waiting, (arrival + timedelta(minutes=random.randrange(30)), count, _opened(random, count, arrival))
            )
            count += 1
            arrival += timedelta(minutes=random.randrange(1, 60))
            continue
        now, order, ticket = waiting[0]
        line += 1
        yield [str(line), *_row(random, ticket, now)]
        due = _advance(random, ticket, now)
        if due is None:
            heapq.heappop(waiting)
        else:
            heapq.heapreplace(waiting, (due, order, ticket))


def _opened(random: Random, count: int, at: datetime) -> _Ticket:
    state = random.choices(("New", "Active", "Resolved", "Awaiting User Info"), (66, 26, 7, 1))[0]
    priority = random.choices(_PRIORITIES, (94, 3, 2, 1))[0]
    return _Ticket(f"INC{count:07}", at, state, priority, _group(random))


def _advance(random: Random, ticket: _Ticket, now: datetime) -> datetime | None:
    """Make of the ticket its next row; when that is due, None after the last one."""
    if ticket.state == "Closed":
        if random.random() > 0.01:
            return None
        state = "Active"
    else:
        state = random.choices(*_AFTER[ticket.state])[0]
    ticket.reopens += ticket.state in {"Resolved", "Closed"} and state == "Active"
    if random.random() < 0.2:
        ticket.group = _group(random)
        ticket.reassignments += 1
    if random.random() < 0.02:
        ticket.priority = random.choice(_PRIORITIES)
    ticket.version += 1
    ticket.modifications += random.choices((1, 2, 0, -1), (970, 25, 4, 1))[0]
    ticket.state = state
    if state not in {"Resolved", "Closed"}:  # the promise is about the time until then
        ticket.made_sla = now - ticket.opened_at <= timedelta(hours=_PROMISED[ticket.priority])
    return now + (timedelta(days=5) if state == "Closed" else timedelta(minutes=int(random.expovariate(1 / 300))))


def _row(random: Random, ticket: _Ticket, now: datetime) -> Iterator[str]:
    """Its columns. Once in a while the desk's clock is behind."""
    at = now - timedelta(minutes=90 if random.random() < 0.002 else 0)
    yield from (str(ticket.version), ticket.number, ticket.state)
    yield from (str(ticket.reassignments), str(ticket.reopens), str(ticket.modifications))
    yield str(ticket.made_sla).lower()
    yield from (_text(ticket.opened_at), _text(at), ticket.priority, ticket.group)
    yield f"Resolver {ticket.modifications % 7}" if ticket.version > 1 else ""


def _group(random: Random) -> str:
    """One of them has most of the work, and some work is nobody's."""
    return random.choices(("Group 70", "", "Group 25", "Group 24", "Group 20"), (50, 15, 15, 10, 10))[0]


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
