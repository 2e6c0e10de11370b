"""holders: who held a unique key, by the streams themselves, where the log does not keep the order of commits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from tests.faults.history import Ack, Findings, Held, History, Seen

__all__ = ["check_holders"]


class _Holding(NamedTuple):
    """A stream held a key: for certain from when its claim was acknowledged until its release was called."""

    stream: str
    since: float
    until: float
    is_over: bool


def check_holders(history: History, held: Held) -> Findings:
    """Who has claimed and not released a key holds it, and nobody held what another did at the same time."""
    found = Findings()
    acks = {ack.id: ack for ack in reversed(history.acks)}
    for key, holdings in _holdings(held.events, acks).items():
        last = sorted(holding.stream for holding in holdings if not holding.is_over)
        kept = held.holders.get(key)
        if last != ([] if kept is None else [kept]):
            found.other.append(f"slot {key} is held by {kept}, by the streams it is held by {last}")
        for one, other in combinations(holdings, 2):
            if one.stream != other.stream and max(one.since, other.since) < min(one.until, other.until):
                found.other.append(f"slot {key} was held by {one.stream} and {other.stream} at once")
    for key in held.holders.keys() - _holdings(held.events, acks).keys():
        found.other.append(f"slot {key} is held by {held.holders[key]}, which never claimed it")
    return found


def _holdings(events: Sequence[Seen], acks: dict[str, Ack]) -> dict[str, list[_Holding]]:
    """By key; events are in the order of each stream."""
    claims: dict[tuple[str, str], Seen] = {}
    holdings: dict[str, list[_Holding]] = defaultdict(list)
    for event in events:
        if event.releases is not None and event.releases != event.claims:
            claim = claims.pop((event.stream, event.releases), None)
            if claim is not None:
                holdings[event.releases].append(_holding(claim, event, acks))
        if event.claims is not None:
            claims.setdefault((event.stream, event.claims), event)
    for (_, key), claim in claims.items():
        holdings[key].append(_holding(claim, None, acks))
    return holdings


def _holding(claim: Seen, release: Seen | None, acks: dict[str, Ack]) -> _Holding:
    """Of what was not acknowledged nobody knows when it came."""
    since = acks[claim.id].returned if claim.id in acks else float("inf")
    until = float("inf") if release is None else float("-inf")
    if release is not None and release.id in acks:
        until = acks[release.id].called
    return _Holding(claim.stream, since, until, release is not None)
