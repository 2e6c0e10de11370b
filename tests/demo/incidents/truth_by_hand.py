"""The figures once more, from the rows alone: the standard library and no headwater."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from statistics import fmean, median
from typing import TypeAlias

Row: TypeAlias = Mapping[str, str]
Streams: TypeAlias = Mapping[str, Sequence[Row]]


def streams_of(rows: Sequence[Row]) -> Streams:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["number"]].append(row)
    return found


def longest(streams: Streams, most: int) -> list[object]:
    ranked = sorted(streams.items(), key=lambda item: (-len(item[1]), item[0]))
    return [[number, len(rows)] for number, rows in ranked[:most]]


def neighbours(streams: Streams) -> Iterator[tuple[Row, Row]]:
    for rows in streams.values():
        yield from pairwise(rows)


def rises(streams: Streams, column: str) -> int:
    return sum(int(later[column]) > int(earlier[column]) for earlier, later in neighbours(streams))


def last(streams: Streams, column: str) -> list[str]:
    return [rows[-1][column] for rows in streams.values()]


def first_month(rows: Sequence[Row], state: str | None = None) -> str:
    """Of the first row, or of the first one in that state; after every month if there is none."""
    return next((row["sys_updated_at"][:7] for row in rows if state in (None, row["incident_state"])), "9999-99")


def backlog(streams: Streams, months: Sequence[str]) -> dict[str, int]:
    lives = [(first_month(rows), first_month(rows, "Closed")) for rows in streams.values()]
    return {month: sum(begun <= month < ended for begun, ended in lives) for month in months}


def hours(streams: Streams) -> dict[str, object]:
    found: dict[str, list[float]] = defaultdict(list)
    for rows in streams.values():
        done = next((row["sys_updated_at"] for row in rows if row["incident_state"] == "Resolved"), None)
        if done is not None:
            since = datetime.fromisoformat(done) - datetime.fromisoformat(rows[0]["opened_at"])
            found[rows[-1]["priority"]].append(since.total_seconds() / 3600)
    return {
        priority: {"n": len(of), "median": round(median(of), 4), "mean": round(fmean(of), 4)}
        for priority, of in found.items()
    }


def digest(streams: Streams) -> str:
    lines = [
        f"{number}|{row['incident_state']}|{row['sys_mod_count']}\n"
        for number in sorted(streams)
        for row in streams[number]
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def note(rows: Sequence[Row]) -> dict[str, object]:
    streams = streams_of(rows)
    return {
        "position": len(rows),
        "streams_seen": len(streams),
        "per_type": Counter(row["incident_state"] for row in rows),
        "amount": "0",
        "longest": longest(streams, 3),
    }


def moment(text: str) -> str:
    return text.replace("T", " ").rstrip("Z")


def truth_of(rows: Sequence[Row]) -> dict[str, object]:
    streams = streams_of(rows)
    months = Counter(sorted(row["sys_updated_at"][:7] for row in rows))
    pairs = [(a["incident_state"], b["incident_state"]) for a, b in neighbours(streams)]
    changes = Counter(f"{was} -> {state}" for was, state in pairs if was != state)
    reassigned = [int(count) for count in last(streams, "reassignment_count")]
    reopened = [int(count) for count in last(streams, "reopen_count")]
    groups = Counter(row["assignment_group"] or "?" for row in rows)
    stood = {a["number"] for a, b in neighbours(streams) if int(b["sys_mod_count"]) <= int(a["sys_mod_count"])}
    back = {a["number"] for a, b in neighbours(streams) if b["sys_updated_at"] < a["sys_updated_at"]}
    return {
        "events": len(rows),
        "streams": len(streams),
        "first": moment(min(row["sys_updated_at"] for row in rows)),
        "last": moment(max(row["sys_updated_at"] for row in rows)),
        "rows_per_state": Counter(row["incident_state"] for row in rows),
        "longest_streams": longest(streams, 10),
        "events_per_month": months,
        "state_changes": changes.total(),
        "transitions": changes,
        "last_state_of_streams": Counter(last(streams, "incident_state")),
        "first_state_of_streams": Counter(of[0]["incident_state"] for of in streams.values()),
        "sum_final_reassignment_count": sum(reassigned),
        "streams_reassigned": sum(count > 0 for count in reassigned),
        "rows_where_reassignment_count_rises": rises(streams, "reassignment_count"),
        "sum_final_reopen_count": sum(reopened),
        "streams_reopened": sum(count > 0 for count in reopened),
        "rows_where_reopen_count_rises": rises(streams, "reopen_count"),
        "sum_final_sys_mod_count": sum(map(int, last(streams, "sys_mod_count"))),
        "max_sys_mod_count": max(int(row["sys_mod_count"]) for row in rows),
        "streams_made_sla_at_end": Counter(last(streams, "made_sla")),
        "final_priority": Counter(last(streams, "priority")),
        "streams_not_strictly_increasing_sys_mod_count": sorted(stood),
        "streams_going_back_in_time": sorted(back),
        "top10_groups_by_rows": dict(sorted(groups.items(), key=lambda item: (-item[1], item[0]))[:10]),
        "backlog_at_month_end": backlog(streams, list(months)),
        "hours_opened_to_first_resolved": hours(streams),
        "sha256_of_rows_in_source_order": digest(streams),
        "at": [note(rows[: len(rows) * quarter // 4]) for quarter in (1, 2, 3, 4)],
    }
