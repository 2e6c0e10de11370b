"""The suites find what breaks the rules of two stores that are one engine."""

from __future__ import annotations

import pytest

from headwater.engines.memory import MemoryEngine
from headwater.ports.engine import EngineOptions
from headwater.split import SplitEngine
from headwater.testing.clock import ManualClock
from headwater.testing.conformance import wakeups
from headwater.testing.conformance.resets import ResetsConformance
from headwater.testing.conformance.wakeups import WakeupsConformance
from tests.conformance import planted_split as bugs
from tests.conformance.running import failures
from tests.engines import test_split as enrolled

BUGS: list[tuple[type, type[SplitEngine], str]] = [
    (ResetsConformance, bugs.ResetsItsOwnPartitions, "test_a_worker_from_before_the_reset_commits_nothing"),
    (WakeupsConformance, bugs.WakesForItsLog, "test_every_kind_of_commit_wakes"),
    (enrolled.TestAtomicAppends, bugs.TakesChanges, "test_an_append_that_is_refused_leaves_no_part"),
    (enrolled.TestBonds, bugs.BindsTheLogFirst, "test_what_one_of_both_refuses_binds_neither"),
    (enrolled.TestBonds, bugs.BindsTheLogLast, "test_a_log_that_is_a_second_itself_binds_no_other"),
]


@pytest.mark.parametrize(("suite", "bug", "test"), BUGS)
async def test_a_planted_bug_is_caught(
    suite: type, bug: type[SplitEngine], test: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(kind: type[SplitEngine], clock: ManualClock) -> SplitEngine:
        options = EngineOptions(clock=clock)
        return kind(MemoryEngine(4, options), MemoryEngine(1, options))

    assert await failures(suite, lambda clock: made(SplitEngine, clock)) == set()
    monkeypatch.setattr(wakeups, "LONG", 0.5)  # seconds that the sick engine keeps a waiter
    assert test in await failures(suite, lambda clock: made(bug, clock))
