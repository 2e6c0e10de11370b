"""Stages: whatever is done to generations, each table lies in one place, and none is found where it is not."""

from __future__ import annotations

from headwater.engines.cassandra.stage import Filling, Stage
from headwater.ports.generations import Generation, State


def filling(number: int, state: State, **tables: int) -> Filling:
    return Filling(Generation(projection="p", number=number, state=state), tables)


def two(served: Filling, building: Filling) -> Stage:
    """One served and one built."""
    stage = Stage("p").with_filling(served).with_filling(building)
    for _ in range(max(building.tables.values())):
        stage = stage.numbered()
    return stage


def numbers(stage: Stage, number: int, *names: str) -> list[int | None]:
    """Which tables a generation has."""
    return [stage.number_of(stage.known[number], name) for name in names]


def test_a_projection_that_began_none_serves_the_first() -> None:
    stage = Stage("p")
    assert (list(stage.known), numbers(stage, 0, "a")) == ([0], [0])


def test_a_swap_and_the_way_back_exchange_all_tables() -> None:
    stage = two(filling(0, "serving", a=0, b=0), filling(1, "building", a=1, b=1))
    for served, before in ((1, 0), (0, 1), (1, 0)):
        stage = stage.serving(stage.known[before], stage.known[served])
        assert [numbers(stage, number, "a", "b") for number in (0, 1)] == [[0, 0], [1, 1]]
        assert {each: stage.known[each].generation.state for each in (0, 1)} == {served: "serving", before: "previous"}


def test_what_only_the_next_one_writes_leaves_with_it() -> None:
    stage = two(filling(0, "serving", a=0), filling(1, "building", a=1, b=1))
    stage = stage.serving(stage.known[0], stage.known[1])
    assert (numbers(stage, 1, "b"), stage.known[0].tables) == ([1], {"a": 0, "b": 0})
    stage = stage.serving(stage.known[1], stage.known[0])
    assert numbers(stage, 0, "b") == [0]


def test_what_the_next_one_does_not_write_is_nowhere() -> None:
    stage = two(filling(0, "serving", a=0, b=0), filling(1, "building", a=1))
    stage = stage.serving(stage.known[0], stage.known[1])
    assert stage.served("b").number > 1


def test_each_move_is_a_later_one() -> None:
    stage = two(filling(0, "serving", a=0), filling(1, "building", a=1))
    moved = [stage.served("a").moved]
    for version, (served, before) in enumerate(((1, 0), (0, 1), (1, 0)), 1):
        stage = Stage("p", version, stage.tables, stage.begun, stage.fillings)
        stage = stage.serving(stage.known[before], stage.known[served])
        moved.append(stage.served("a").moved)
    assert moved == sorted(set(moved))


def test_a_number_of_a_generation_is_used_once() -> None:
    stage = two(filling(0, "serving", a=0), filling(1, "building", a=1))
    stage = stage.without(stage.known[1])
    assert (list(stage.known), stage.begun) == ([0], 2)
    [left] = stage.tables.leaving
    assert (left.generation, left.tables) == (1, (("a", 1),))
    assert stage.cleared(left).tables.leaving == ()


def test_other_tables_take_the_place_of_those_that_were_filled() -> None:
    stage = two(filling(0, "serving", a=0), filling(1, "building", a=1))
    for number, other in ((0, 5), (1, 6)):
        stage = stage.refilled(stage.known[number], ["a"], other)
        assert numbers(stage, number, "a") == [other]
    assert [left.tables for left in stage.tables.leaving] == [(("a", 0),), (("a", 1),)]
