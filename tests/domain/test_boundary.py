"""Boundaries: what they match, what they refuse, and how their pages are put together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.domain.boundary import AppendCondition, Boundary, BoundaryPage, Mark, check_mark, page_of
from headwater.domain.event import StoredEvent
from headwater.domain.messages import Event
from headwater.errors import InvalidCriteria, InvalidId, InvalidIdentifier, InvalidVersion


class Seen(Event, name="Looked", renamed_from=["Watched"]):
    pass


def test_all_tags_and_any_type() -> None:
    boundary = Boundary(tags=["a:1", "b:2"], types=[Seen, "Other"])
    assert boundary.matches("Looked", {"a:1", "b:2", "c:3"})
    assert boundary.matches("Watched", ["b:2", "a:1"])
    assert boundary.matches("Other", ["b:2", "a:1"])
    assert not boundary.matches("Seen", ["b:2", "a:1"])
    assert not boundary.matches("Looked", ["a:1"])
    assert Boundary(tags=["a:1"]).matches("Whatever", ["a:1"])


def test_one_alternative_is_enough() -> None:
    boundary = Boundary(tags=["a:1"]) | Boundary(tags=["b:2"], types=["X"]) | Boundary(tags=["a:1"])
    assert len(boundary.alternatives) == 2
    assert boundary.matches("Y", ["a:1"])
    assert boundary.matches("X", ["b:2"])
    assert not boundary.matches("Y", ["b:2"])


def test_equal_ones_are_one() -> None:
    one = Boundary(tags=["a:1", "b:2"], types=["X", "Y"]) | Boundary(tags=["c:3"])
    same = Boundary(tags=["c:3"]) | Boundary(tags=("b:2", "a:1", "a:1"), types=("Y", "X"))
    assert one == same
    assert len({one, same, Boundary(tags=["c:3"])}) == 2
    assert repr(one) == "<Boundary a:1 and b:2 (X, Y) or c:3>"
    assert AppendCondition(one, Mark((1,))) == AppendCondition(same, Mark((1,)))


def test_what_would_be_everything_is_refused() -> None:
    with pytest.raises(InvalidCriteria, match="every event there is"):
        Boundary(tags=[], types=[Seen])
    with pytest.raises(InvalidCriteria):
        Boundary.any_of(())


def test_what_is_no_list_is_refused() -> None:
    with pytest.raises(InvalidCriteria, match=r"tags=\['course:c1'\]"):
        Boundary(tags="a:1")
    with pytest.raises(InvalidCriteria, match="types= takes a list"):
        Boundary(tags=["a:1"], types=Seen)  # type: ignore[arg-type]
    with pytest.raises(InvalidId):
        Boundary(tags=["a"])
    with pytest.raises(InvalidIdentifier):
        Boundary(tags=["a:1"], types=["no type"])


def test_marks() -> None:
    assert [Mark((3, 5)).offset(partition) for partition in (0, 1, 2)] == [3, 5, 0]
    check_mark(Mark((3,)), 2)
    for mark in (Mark((0, 0, 0)), Mark((-1,)), Mark((0,), -1)):
        with pytest.raises(InvalidVersion):
            check_mark(mark, 2)


def stored(partition: int, offset: int, timestamp: int) -> StoredEvent:
    return StoredEvent(partition, offset, f"s-{partition}", offset + 1, b"", timestamp, "X", 1, b"{}", b"")


LOGS = st.lists(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 5)), max_size=6), min_size=1, max_size=3)


@given(LOGS, st.integers(1, 4))
def test_pages_come_to_the_whole(logs: list[list[tuple[int, int]]], limit: int) -> None:
    """Each partition's events in their order; whatever the page's size, the same in all."""
    found: list[list[StoredEvent]] = []
    for partition, steps in enumerate(logs):
        offsets = [sum(step for step, _ in steps[: number + 1]) for number in range(len(steps))]
        found.append([stored(partition, at, time) for at, (_, time) in zip(offsets, steps, strict=True)])
    heads = [events[-1].offset + 3 if events else 2 for events in found]

    def read(after: Mark, limit: int) -> BoundaryPage:
        rest = {p: [e for e in events if e.offset >= after.offset(p)][: limit + 1] for p, events in enumerate(found)}
        return page_of({p: [*events, *events] for p, events in rest.items()}, heads, after, limit)

    whole = read(Mark(), 100)
    events: list[StoredEvent] = []
    page = read(Mark(), limit)
    while page.more:
        events += page.events
        assert len(page.events) == limit
        page = read(page.mark, limit)
    events += page.events
    assert events == list(whole.events)
    assert page.mark == whole.mark == Mark(tuple(heads), max([0, *[event.timestamp for event in events]]))
    for partition, log in enumerate(found):
        assert [event for event in events if event.partition == partition] == log
