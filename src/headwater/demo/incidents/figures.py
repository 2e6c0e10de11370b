"""Figures: every number the read models and the stored entries can give, named and shaped as the truth has them."""

from __future__ import annotations

from datetime import datetime
from typing import Final, cast

from headwater import CQRSManager, Views, field
from headwater.demo.incidents.events import Entry
from headwater.demo.incidents.queries import BacklogAtMonthEnd, BusiestGroups, LongestIncidents, TimesToResolve
from headwater.demo.incidents.read_models import IncidentView, Month, SlaView, StateTotal, Transition
from headwater.demo.incidents.trail import Trail

__all__ = ["figures"]

QUARTERS: Final = (1, 2, 3, 4)


async def figures(cqrs: CQRSManager) -> dict[str, object]:
    """All of them; the projections must have caught up."""
    months = await cqrs.read_models.find(Month)
    found = _of_months(months)
    found |= await _of_states(cqrs.read_models)
    found |= await _of_incidents(cqrs.read_models)
    found |= await _of_dirt(cqrs.read_models)
    found |= await _of_sla(cqrs)
    found |= await _of_questions(cqrs)
    found |= await _of_trail(cqrs, sum(month.entries for month in months))
    return found


def _of_months(months: list[Month]) -> dict[str, object]:
    return {
        "events": sum(month.entries for month in months),
        "first": _text(min((month.first_at for month in months if month.first_at), default=None)),
        "last": _text(max((month.last_at for month in months if month.last_at), default=None)),
        "events_per_month": {month.month: month.entries for month in months},
        "rows_where_reassignment_count_rises": sum(month.reassigned for month in months),
        "rows_where_reopen_count_rises": sum(month.reopened for month in months),
    }


async def _of_states(views: Views) -> dict[str, object]:
    states = await views.find(StateTotal, order_by="-entries")
    transitions = await views.find(Transition, order_by="-times")
    return {
        "rows_per_state": {row.state: row.entries for row in states},
        "state_changes": sum(row.times for row in transitions),
        "transitions": {row.path: row.times for row in transitions},
        "first_state_of_streams": await _tally(views, IncidentView, "first_state"),
        "last_state_of_streams": await _tally(views, IncidentView, "state"),
    }


async def _of_incidents(views: Views) -> dict[str, object]:
    return {
        "streams": await views.count(IncidentView),
        "sum_final_reassignment_count": await _total(views, "$sum", "reassignments"),
        "streams_reassigned": await views.count(IncidentView, field("reassignments") > 0),
        "sum_final_reopen_count": await _total(views, "$sum", "reopens"),
        "streams_reopened": await views.count(IncidentView, field("reopens") > 0),
        "sum_final_sys_mod_count": await _total(views, "$sum", "modifications"),
        "max_sys_mod_count": await _total(views, "$max", "most_modifications"),
    }


async def _of_dirt(views: Views) -> dict[str, object]:
    stood = await views.find(IncidentView, count_stood=True)
    back = await views.find(IncidentView, clock_went_back=True)
    return {
        "streams_not_strictly_increasing_sys_mod_count": [row.number for row in stood],
        "streams_going_back_in_time": [row.number for row in back],
    }


async def _of_sla(cqrs: CQRSManager) -> dict[str, object]:
    made = await _tally(cqrs.read_models, SlaView, "made_sla")
    times = await cqrs.queries.execute(TimesToResolve())
    return {
        "streams_made_sla_at_end": {str(kept).lower(): count for kept, count in made.items()},
        "final_priority": await _tally(cqrs.read_models, SlaView, "priority"),
        "hours_opened_to_first_resolved": {
            one.priority: {
                "n": one.incidents,
                "median": round(one.median_hours, 4),
                "mean": round(one.mean_hours, 4),
            }
            for one in times
        },
    }


async def _of_questions(cqrs: CQRSManager) -> dict[str, object]:
    longest = await cqrs.queries.execute(LongestIncidents(limit=10))
    groups = await cqrs.queries.execute(BusiestGroups(limit=10))
    backlog = await cqrs.queries.execute(BacklogAtMonthEnd())
    return {
        "longest_streams": [[row.number, row.entries] for row in longest],
        "top10_groups_by_rows": {row.group: row.entries for row in groups},
        "backlog_at_month_end": {one.month: one.incidents for one in backlog},
    }


async def _of_trail(cqrs: CQRSManager, entries: int) -> dict[str, object]:
    trail = Trail(entries * quarter // 4 for quarter in QUARTERS)
    async for event in cqrs.read_log(category="incident"):
        if isinstance(event.data, Entry):
            trail.see(event.data)
    return trail.figures()


async def _tally(views: Views, model: type[IncidentView | SlaView], name: str) -> dict[object, int]:
    """How many rows have each value."""
    rows = await views.aggregate(model, [{"$group": {"_id": f"${name}", "n": {"$count": {}}}}])
    return {row["_id"]: cast("int", row["n"]) for row in rows}


async def _total(views: Views, operator: str, name: str) -> int:
    """Over all incidents; 0 if there are none."""
    rows = await views.aggregate(IncidentView, [{"$group": {"_id": None, "value": {operator: f"${name}"}}}])
    return cast("int", rows[0]["value"]) if rows else 0


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")
