"""The suites of boundaries pass on the healthy engine and fail on the one with the bug."""

from __future__ import annotations

import pytest

from headwater.engines.memory import MemoryEngine
from headwater.engines.memory.state import Part
from headwater.ports.engine import EngineOptions
from headwater.testing.clock import ManualClock
from headwater.testing.conformance.boundaries import BoundariesConformance
from headwater.testing.conformance.boundary_contention import BoundaryContentionConformance
from tests.conformance import planted
from tests.conformance import planted_boundaries as bugs
from tests.conformance.running import failures

BUGS: list[tuple[type, type[Part], str]] = [
    (BoundaryContentionConformance, bugs.ConditionCheckedTooEarly, "test_bounds_are_never_exceeded"),
    (
        BoundaryContentionConformance,
        bugs.ConditionCheckedTooEarly,
        "test_of_two_that_write_what_the_other_has_read_one_wins",
    ),
    (BoundaryContentionConformance, bugs.TagsAfterTheCommit, "test_one_of_many_that_have_read_the_same_wins"),
    (BoundaryContentionConformance, bugs.TagsAfterTheCommit, "test_bounds_are_never_exceeded"),
    (BoundariesConformance, bugs.ConditionOnItsOwnPartitions, "test_what_has_changed_is_not"),
    (BoundaryContentionConformance, bugs.ConditionOnItsOwnPartitions, "test_bounds_are_never_exceeded"),
    (BoundaryContentionConformance, bugs.OrdinaryAppendsHaveNoTags, "test_ordinary_appends_count"),
    (BoundariesConformance, bugs.AnyTagIsEnough, "test_a_boundary_holds_what_has_all_tags_and_one_of_the_types"),
    (BoundariesConformance, bugs.MarkAtTheEnd, "test_it_is_read_in_pages_that_go_on_from_the_mark"),
    (BoundariesConformance, bugs.MarkForgetsTime, "test_causes_come_before_effects"),
    (BoundariesConformance, bugs.OwnEventsBreakIt, "test_what_has_not_changed_is_appended_to"),
    (BoundariesConformance, bugs.ConditionsIgnoredInline, "test_inline_appends_honour_conditions"),
]


def healthy(clock: ManualClock) -> MemoryEngine:
    return MemoryEngine(4, EngineOptions(clock=clock))


@pytest.mark.parametrize("suite", [BoundariesConformance, BoundaryContentionConformance])
async def test_a_healthy_engine_passes(suite: type) -> None:
    assert await failures(suite, healthy) == set()


@pytest.mark.parametrize(("suite", "bug", "test"), BUGS)
async def test_a_planted_bug_is_caught(suite: type, bug: type[Part], test: str) -> None:
    def sick(clock: ManualClock) -> MemoryEngine:
        engine = healthy(clock)
        planted.plant(engine, bug)
        return engine

    assert test in await failures(suite, sick)
