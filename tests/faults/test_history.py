"""The checker finds each kind of broken promise, planted one at a time into a healthy history."""

from __future__ import annotations

import msgspec
import pytest

from tests.faults.history import Ack, Block, Findings, Held, History, Refusal, Seen, check

replace = msgspec.structs.replace

A, B, C = "a", "b", "c"


def events() -> list[Seen]:
    """`a` wrote two events to s-1, `b` one to s-2, `c` one to s-1; `a` holds slot 0."""
    return [
        Seen(0, "s-1", 1, A, 1, 2, claims="0"),
        Seen(1, "s-1", 2, A, 2, 2),
        Seen(2, "s-2", 1, B, 1, 1),
        Seen(3, "s-1", 3, C, 1, 1),
    ]


def records() -> dict[str, Block]:
    return {A: ("s-1", 1, 2), B: ("s-2", 1, 1), C: ("s-1", 3, 3)}


def acks() -> list[Ack]:
    return [Ack(A, "s-1", 1, 2, 0.0, 1.0), Ack(C, "s-1", 3, 3, 2.0, 3.0)]


def found(
    stored: list[Seen] | None = None,
    told: list[Ack] | None = None,
    refusals: list[Refusal] | None = None,
    kept: dict[str, Block] | None = None,
    holders: dict[str, str] | None = None,
) -> Findings:
    history = History(acks=acks() if told is None else told, refusals=refusals or [])
    held = Held(events() if stored is None else stored, records() if kept is None else kept, holders or {"0": "s-1"})
    return check(history, held)


def renumbered(kept: list[Seen]) -> list[Seen]:
    return [replace(event, offset=offset) for offset, event in enumerate(kept)]


def test_a_healthy_history_has_no_findings() -> None:
    assert not found(refusals=[Refusal("d", "s-1", 2, 2.5, 3.5), Refusal("e", "s-2", None, 0.0, 1.0)])


def test_an_acknowledged_append_that_is_gone_is_lost() -> None:
    assert found(stored=events()[:3], kept={A: ("s-1", 1, 2), B: ("s-2", 1, 1)}).lost


def test_a_hole_in_a_stream_is_a_loss() -> None:
    stored = renumbered([*events()[:3], replace(events()[3], version=4)])
    assert found(stored=stored, told=acks()[:1], kept=records() | {C: ("s-1", 4, 4)}).lost


def test_an_append_that_is_there_twice_is_a_duplicate() -> None:
    stored = [*events(), Seen(4, "s-1", 4, C, 1, 1)]
    assert found(stored=stored).duplicated


def test_half_an_append_is_found() -> None:
    stored = renumbered([events()[0], events()[2]])
    assert "in part" in found(stored=stored, told=[], kept={A: ("s-1", 1, 1), B: ("s-2", 1, 1)}).other[0]


def test_versions_against_the_order_of_the_log_are_found() -> None:
    one, two, *rest = events()
    assert found(stored=renumbered([two, one, *rest])).reordered


def test_an_append_in_two_pieces_is_found() -> None:
    first, second, other, last = events()
    assert found(stored=renumbered([first, other, second, last])).reordered


def test_a_hole_between_offsets_is_found() -> None:
    assert found(stored=[*events()[:3], replace(events()[3], offset=4)]).reordered


def test_an_append_elsewhere_than_acknowledged_is_found() -> None:
    assert found(told=[replace(acks()[0], first=5, last=6)]).other


def test_the_order_of_time_is_kept_within_a_stream() -> None:
    late_first = [replace(acks()[0], called=5.0, returned=6.0), acks()[1]]
    assert found(told=late_first).reordered
    overlapping = [replace(acks()[0], called=2.5, returned=6.0), acks()[1]]
    assert not found(told=overlapping)


def test_a_refused_append_that_is_there_is_found() -> None:
    assert found(refusals=[Refusal(B, "s-2", None, 0.0, 1.0)]).other


@pytest.mark.parametrize(("expected", "returned"), [(3, 9.0), (2, 1.5)])
def test_a_conflict_that_nobody_caused_is_found(expected: int, returned: float) -> None:
    """Nobody wrote version 4; version 3 was written by a call that came after this conflict."""
    assert found(refusals=[Refusal("d", "s-1", expected, 0.0, returned)]).other


@pytest.mark.parametrize(
    "kept",
    [
        {A: ("s-1", 1, 2), C: ("s-1", 3, 3)},
        records() | {A: ("s-1", 1, 1)},
        records() | {"d": ("s-1", 4, 4)},
    ],
)
def test_command_records_that_do_not_match_the_events_are_found(kept: dict[str, Block]) -> None:
    assert found(kept=kept).other


def test_two_holders_of_a_unique_key_are_found() -> None:
    stored = [*events()[:2], replace(events()[2], claims="0"), events()[3]]
    assert found(stored=stored).other


def test_a_release_frees_a_key_of_its_own_stream_only() -> None:
    by_another = [*events()[:2], replace(events()[2], releases="0"), events()[3]]
    assert not found(stored=by_another)
    by_its_holder = [*events()[:3], replace(events()[3], releases="0")]
    assert found(stored=by_its_holder).other


def scattered(*stored: Seen) -> Findings:
    """In a log of several partitions that keeps the order of each stream alone."""
    return check(History(), Held(stored, records(), {"0": "s-1"}, keeps_order=False))


def test_in_several_partitions_appends_may_lie_apart() -> None:
    one, two, three, four = events()
    apart = one, replace(three, offset=1), replace(two, offset=2), four
    assert not scattered(*apart)
    assert not scattered(one, replace(two, offset=1), replace(four, offset=2), replace(three, offset=0, partition=1))
    assert scattered(
        one, replace(two, offset=1), replace(four, offset=2), replace(three, offset=1, partition=1)
    ).reordered
    assert scattered(replace(two, offset=0), replace(one, offset=1), replace(three, offset=2), four).reordered
    assert scattered(*apart, replace(four, offset=4, version=4)).duplicated
    assert scattered(*apart[:3]).other
