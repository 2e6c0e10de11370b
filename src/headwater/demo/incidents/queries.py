"""Queries: the questions of the desk's lead, answered from the read models."""

from __future__ import annotations

from itertools import accumulate
from typing import cast

import msgspec

from headwater import Query, QueryHandler, Views
from headwater.demo.incidents.read_models import GroupTotal, IncidentView, Month, SlaView

__all__ = [
    "Backlog",
    "BacklogAtMonthEnd",
    "BusiestGroups",
    "DeskQueries",
    "GetIncident",
    "LongestIncidents",
    "TimeToResolve",
    "TimesToResolve",
]

_HOUR = 3600


class Backlog(msgspec.Struct, frozen=True):
    """Incidents that had been opened, and never closed, when a month ended."""

    month: str
    incidents: int


class TimeToResolve(msgspec.Struct, frozen=True, kw_only=True):
    """From opening to the first resolution, over the incidents of one priority that were resolved."""

    priority: str
    incidents: int
    mean_hours: float
    median_hours: float


class GetIncident(Query[IncidentView | None]):
    number: str


class BacklogAtMonthEnd(Query[list[Backlog]]):
    """Every month that has entries, in order."""


class TimesToResolve(Query[list[TimeToResolve]]):
    """By priority."""


class LongestIncidents(Query[list[IncidentView]]):
    """Those with most entries."""

    limit: int = 10


class BusiestGroups(Query[list[GroupTotal]]):
    """Those with most entries."""

    limit: int = 10


class DeskQueries(QueryHandler):
    """Answers them."""

    async def get_incident(self, number: str, views: Views) -> IncidentView | None:
        return await views.get(IncidentView, number)

    async def backlog_at_month_end(self, views: Views) -> list[Backlog]:
        months = await views.find(Month)
        waiting = accumulate(month.opened - month.closed for month in months)
        return [Backlog(month.month, incidents) for month, incidents in zip(months, waiting, strict=True)]

    async def times_to_resolve(self, views: Views) -> list[TimeToResolve]:
        rows = await views.aggregate(
            SlaView,
            [
                {"$match": {"resolved_after": {"$ne": None}}},
                {"$group": {"_id": "$priority", "n": {"$count": {}}, "seconds": {"$sum": "$resolved_after"}}},
                {"$sort": {"_id": 1}},
            ],
        )
        found: list[TimeToResolve] = []
        for row in rows:
            priority, n, seconds = cast("str", row["_id"]), cast("int", row["n"]), cast("int", row["seconds"])
            median = await _median_seconds(views, priority, n)
            mean = seconds / n
            found.append(
                TimeToResolve(priority=priority, incidents=n, mean_hours=mean / _HOUR, median_hours=median / _HOUR)
            )
        return found

    async def longest_incidents(self, limit: int, views: Views) -> list[IncidentView]:
        return await views.find(IncidentView, order_by="-entries", limit=limit)

    async def busiest_groups(self, limit: int, views: Views) -> list[GroupTotal]:
        return await views.find(GroupTotal, order_by="-entries", limit=limit)


async def _median_seconds(views: Views, priority: str, n: int) -> float:
    """The one in the middle of `n`, or the mean of the two."""
    resolved: dict[str, object] = {"priority": priority, "resolved_after": {"$ne": None}}
    middle = await views.find(SlaView, resolved, order_by="resolved_after", skip=(n - 1) // 2, limit=2 - n % 2)
    return sum(cast("int", row.resolved_after) for row in middle) / len(middle)
