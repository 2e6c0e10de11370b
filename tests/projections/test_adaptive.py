"""PageSize: how many events the next page may have."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from headwater.projections.adaptive import PageSize
from headwater.projections.parts import RunnerOptions

OPTIONS = RunnerOptions(batch_bytes=1_000, batch_seconds=1.0)


def sizes(pages: int, page: Callable[[int], tuple[int, float]], most: int = 500) -> list[int]:
    """The sizes of so many full pages; `page` gives bytes and seconds of one with so many events."""
    size, seen = PageSize(most, OPTIONS), list[int]()
    for _ in range(pages):
        seen.append(size.next())
        size.took(seen[-1], *page(seen[-1]))
    return seen


def test_light_pages_stay_as_large_as_declared() -> None:
    assert sizes(3, lambda events: (events, events / 1_000)) == [500, 500, 500]
    assert sizes(3, lambda _: (0, 0.0)) == [500, 500, 500]


def test_slow_events_make_pages_that_take_no_longer_than_allowed() -> None:
    assert sizes(4, lambda events: (0, events / 100)) == [500, 100, 100, 100]


def test_large_events_make_pages_of_fewer() -> None:
    assert sizes(4, lambda events: (events * 20, 0.0)) == [500, 50, 50, 50]


def test_an_event_that_is_too_much_alone_is_a_page() -> None:
    assert sizes(3, lambda events: (5_000 * events, 3.0)) == [500, 1, 1]


def test_pages_grow_back_by_doubling() -> None:
    size = PageSize(500, OPTIONS)
    size.took(500, 0, 500.0)
    seen = [size.next()]
    while seen[-1] < 500:
        size.took(seen[-1], 0, 0.001)
        seen.append(size.next())
    assert seen == [1, 2, 4, 8, 16, 32, 64, 128, 256, 500]


def test_pages_grow_no_further_than_fits() -> None:
    size = PageSize(500, OPTIONS)
    size.took(500, 0, 50.0)
    assert size.next() == 10
    size.took(10, 0, 10 / 15)
    assert size.next() == 15


def test_a_short_page_that_took_its_time_shrinks_nothing() -> None:
    size = PageSize(500, OPTIONS)
    size.took(1, 10, 0.9)
    assert size.next() == 500
    size.took(0, 0, 5.0)
    assert size.next() == 500


loads = st.tuples(st.integers(0, 600), st.integers(0, 5_000), st.floats(0, 20))


@given(st.integers(1, 600), st.lists(loads))
def test_whatever_happens_a_page_has_from_one_event_to_what_is_declared(
    most: int, pages: list[tuple[int, int, float]]
) -> None:
    size = PageSize(most, OPTIONS)
    for events, bytes, seconds in pages:
        before = size.next()
        size.took(events, bytes, seconds)
        assert 1 <= size.next() <= min(most, 2 * before)
        if events and (bytes > 1_000 or seconds > 1):
            assert size.next() <= max(1, before)
