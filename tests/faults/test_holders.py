"""The checker of keys finds each kind of broken promise, planted one at a time into a healthy history."""

from __future__ import annotations

from tests.faults.history import Ack, Findings, Held, History, Seen
from tests.faults.holders import check_holders


def seen(stream: str, version: int, claims: str | None = None, releases: str | None = None) -> Seen:
    return Seen(version - 1, stream, version, f"{stream}@{version}", 1, 1, claims, releases)


EVENTS = [seen("s-1", 1, claims="0"), seen("s-1", 2, releases="0"), seen("s-2", 1, claims="0")]
TIMES = {"s-1@1": (0.0, 1.0), "s-1@2": (2.0, 3.0), "s-2@1": (2.5, 3.5)}


def found(
    events: list[Seen] | None = None, holders: dict[str, str] | None = None, **times: tuple[float, float]
) -> Findings:
    acks = [Ack(id, id, 1, 1, *said) for id, said in (TIMES | times).items()]
    held = Held(EVENTS if events is None else events, {}, {"0": "s-2"} if holders is None else holders, False)
    return check_holders(History(acks=acks), held)


def test_a_key_that_changes_hands_is_well() -> None:
    assert not found()


def test_another_holder_than_by_the_streams_is_found() -> None:
    assert found(holders={"0": "s-1"}).other
    assert found(holders={}).other
    assert found(holders={"0": "s-2", "1": "s-1"}).other


def test_two_who_never_gave_it_up_are_found() -> None:
    assert found([EVENTS[0], EVENTS[2]]).other


def test_two_at_once_are_found() -> None:
    """The second stream had it for certain before the first one was asked to give it up."""
    early = {"s-2@1": (0.5, 1.5)}
    assert found([*EVENTS, seen("s-2", 2, releases="0")], {}, **early, **{"s-2@2": (4.0, 5.0)}).other


def test_a_key_both_given_up_and_claimed_is_held() -> None:
    assert not found([seen("s-1", 1, claims="0"), seen("s-1", 2, claims="0", releases="0")], {"0": "s-1"})
