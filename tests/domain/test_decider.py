"""Deciders: aggregates as functions."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.domain.decider import Decider
from headwater.domain.messages import Command, Event
from headwater.errors import BadDeclaration, InvalidIdentifier


class Add(Command[int]):
    to: str
    amount: int


class Added(Event):
    amount: int


def decide(command: Add, total: int) -> Sequence[Added]:
    return [Added(amount=command.amount)] if command.amount else []


def decider(category: str = "sum", events: tuple[type[Added], ...] = (Added,)) -> Decider[Add, int, Added]:
    return Decider(
        category=category,
        commands=(Add,),
        events=events,
        stream_id=lambda command: command.to,
        initial=lambda: 0,
        decide=decide,
        evolve=lambda total, event: total + event.amount,
    )


@given(st.lists(st.builds(Added, amount=st.integers())), st.integers(0, 20))
def test_folding_in_two_steps_is_folding_once(events: list[Added], cut: int) -> None:
    whole = decider().fold(events)
    assert whole == sum(event.amount for event in events)
    assert decider().fold(events[cut:], decider().fold(events[:cut])) == whole


def test_declarations() -> None:
    with pytest.raises(InvalidIdentifier):
        decider("Has-Hyphen")
    with pytest.raises(BadDeclaration, match="must name its commands and its events"):
        decider(events=())
