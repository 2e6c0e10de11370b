"""Each suite passes on the healthy engine and fails on the one with the bug."""

from __future__ import annotations

import pytest

from headwater.domain.append import Append, Appended
from headwater.engines.memory import MemoryEngine
from headwater.engines.memory.event_store import MemoryEventStore
from headwater.engines.memory.state import Part
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.clock import ManualClock
from headwater.testing.conformance.atomic_appends import AtomicAppendsConformance
from headwater.testing.conformance.command_log import CommandLogConformance
from headwater.testing.conformance.concurrency import ConcurrencyConformance
from headwater.testing.conformance.conditions import ConditionsConformance
from headwater.testing.conformance.durability import DurabilityConformance
from headwater.testing.conformance.event_store import EventStoreConformance
from headwater.testing.conformance.exports import ExportsConformance
from headwater.testing.conformance.generations import GenerationsConformance
from headwater.testing.conformance.inline_appends import InlineAppendsConformance
from headwater.testing.conformance.journal import JournalConformance
from headwater.testing.conformance.leases import LeasesConformance, SteppedClockConformance
from headwater.testing.conformance.log import LogConformance
from headwater.testing.conformance.parking import ParkingConformance
from headwater.testing.conformance.projection_store import ProjectionStoreConformance
from headwater.testing.conformance.resets import ResetsConformance
from headwater.testing.conformance.snapshots import SnapshotsConformance
from headwater.testing.conformance.swaps import SwapsConformance
from headwater.testing.conformance.unique_keys import UniqueKeysConformance
from headwater.testing.conformance.wakeups import WakeupsConformance
from tests.conformance import planted
from tests.conformance import planted_read_side as read_side
from tests.conformance.running import failures

# The suite, the bug, and one of the tests that must find it.
BUGS: list[tuple[type, type[Part], str]] = [
    (ConcurrencyConformance, planted.LateVisibility, "test_a_reader_never_sees_anything_new_below_what_it_saw"),
    (ConcurrencyConformance, planted.VersionCheckedTooEarly, "test_one_of_many_that_expect_the_same_version_wins"),
    (ConcurrencyConformance, planted.ClaimLost, "test_one_of_many_that_claim_the_same_key_wins"),
    (ConcurrencyConformance, planted.ReplayAppendsAgain, "test_one_of_many_of_the_same_command_appends"),
    (LogConformance, planted.LateVisibility, "test_offsets_are_dense_and_rejected_appends_leave_no_hole"),
    (LogConformance, planted.OffsetGap, "test_offsets_are_dense_and_rejected_appends_leave_no_hole"),
    (LogConformance, planted.LimitOffByOne, "test_a_page_starts_with_its_offset_and_holds_at_most_the_limit"),
    (LogConformance, planted.StartExclusive, "test_a_page_starts_with_its_offset_and_holds_at_most_the_limit"),
    (LogConformance, planted.PageStuckOnFilter, "test_a_page_moves_past_what_the_filter_leaves_out"),
    (LogConformance, planted.HiddenRowsInTheLog, "test_hidden_events_are_read_only_when_asked_for_but_counted"),
    (EventStoreConformance, planted.HiddenRowsInTheFold, "test_hidden_events_are_loaded_and_not_folded"),
    (EventStoreConformance, planted.TimestampsRepeat, "test_timestamps_rise_while_the_clock_stands_still"),
    (UniqueKeysConformance, planted.ReleaseAfterClaim, "test_releases_come_before_claims"),
    (
        UniqueKeysConformance,
        planted.RefusedTakesClaim,
        "test_a_key_held_by_another_stream_is_taken_and_nothing_changes",
    ),
    (CommandLogConformance, planted.ReplayAppendsAgain, "test_the_same_command_returns_its_first_outcome"),
    (AtomicAppendsConformance, planted.PartialAtomicAppend, "test_an_append_that_is_refused_leaves_no_part"),
    (ProjectionStoreConformance, planted.EpochIgnored, "test_a_commit_of_an_older_epoch_writes_nothing"),
    (ProjectionStoreConformance, planted.StartIgnored, "test_a_commit_from_another_start_writes_nothing"),
    (
        ProjectionStoreConformance,
        planted.CheckpointWithoutChanges,
        "test_a_commit_moves_the_checkpoint_and_makes_the_changes",
    ),
    (ProjectionStoreConformance, planted.ChangesBeforeCheckpoint, "test_a_commit_from_another_start_writes_nothing"),
    (LeasesConformance, planted.EpochStands, "test_an_expired_lease_is_taken_over_with_a_higher_epoch"),
    (
        SteppedClockConformance,
        planted.SteppedClockTrusted,
        "test_a_lease_that_would_last_longer_than_one_lasts_is_taken_over",
    ),
    (SwapsConformance, read_side.SwapKeepsEpochs, "test_whoever_was_at_work_on_either_commits_nothing"),
    (SwapsConformance, read_side.SwapLosesEffects, "test_side_effects_go_on_where_they_have_come_to"),
    (SwapsConformance, read_side.SwapIsPartial, "test_all_read_models_change_over_together"),
    (SwapsConformance, read_side.SwapDoesNotWait, "test_one_that_is_behind_is_not_served"),
    (GenerationsConformance, read_side.BeginForgetsWhatWasBuilt, "test_the_one_being_built_is_resumed"),
    (GenerationsConformance, read_side.GenerationIgnored, "test_what_is_built_does_not_show_in_queries"),
    (GenerationsConformance, read_side.UnknownGenerationAccepted, "test_what_is_dropped_is_forgotten"),
    (ResetsConformance, read_side.ResetForgetsEffects, "test_reset_leaves_the_side_effects_done"),
    (ResetsConformance, read_side.ResetFencesOnlyWhatRan, "test_a_worker_from_before_the_reset_commits_nothing"),
    (
        LeasesConformance,
        read_side.BackOffIgnored,
        "test_nobody_acquires_what_is_backed_off_until_the_time_is_over",
    ),
    (InlineAppendsConformance, read_side.InlineAlthoughBehind, "test_one_that_is_behind_is_passed_by"),
    (InlineAppendsConformance, read_side.InlineChangesStay, "test_what_a_handler_raises_undoes_everything"),
    (ParkingConformance, read_side.QueuesByKey, "test_queues_come_by_partition_and_first_offset"),
    (ParkingConformance, read_side.PageInclusive, "test_they_come_in_pages"),
    (ParkingConformance, read_side.EditedDataLost, "test_edited_data_stays_until_there_is_newer"),
    (ConditionsConformance, read_side.EarlierPauseStays, "test_a_new_pause_takes_the_place_of_the_old"),
    (JournalConformance, read_side.JournalGrows, "test_the_newest_are_kept_and_the_oldest_forgotten"),
    (WakeupsConformance, read_side.CountsOfCommits, "test_the_count_stands_while_the_rows_do"),
    (WakeupsConformance, read_side.CountsThatStand, "test_the_count_moves_with_the_rows_that_are_served"),
    (SnapshotsConformance, planted.EarlierSnapshotWins, "test_a_later_one_replaces_and_an_earlier_one_does_not"),
]
SUITES = sorted(
    {suite for suite, _, _ in BUGS} | {DurabilityConformance, ExportsConformance}, key=lambda suite: suite.__name__
)


def healthy(clock: ManualClock) -> MemoryEngine:
    return MemoryEngine(1, EngineOptions(clock=clock))


@pytest.mark.parametrize("suite", SUITES)
async def test_a_healthy_engine_passes(suite: type) -> None:
    assert await failures(suite, healthy) == set()


@pytest.mark.parametrize(("suite", "bug", "test"), BUGS)
async def test_a_planted_bug_is_caught(suite: type, bug: type[Part], test: str) -> None:
    def sick(clock: ManualClock) -> Engine:
        engine = healthy(clock)
        planted.plant(engine, bug)
        return engine

    assert test in await failures(suite, sick)


async def test_an_export_of_many_moments_is_caught() -> None:
    def sick(clock: ManualClock) -> Engine:
        return read_side.ExportsWhatIsThereByThen(1, EngineOptions(clock=clock))

    caught = await failures(ExportsConformance, sick)
    assert "test_it_is_of_one_moment_and_keeps_no_writer_waiting" in caught


async def test_a_store_that_forgets_its_last_append_is_caught() -> None:
    appends: list[Append] = []

    class Remembering(MemoryEventStore):
        async def append(self, append: Append) -> Appended:
            appends.append(append)
            return await super().append(append)

    def noting(clock: ManualClock) -> Engine:
        appends.clear()
        engine = healthy(clock)
        planted.plant(engine, Remembering)
        return engine

    async def forget(engine: Engine) -> Engine:
        """The same store without the last thing it acknowledged."""
        again = MemoryEngine()
        await again.open()
        for append in appends[:-1]:
            await again.events.append(append)
        return again

    assert "test_acknowledged_appends_survive" in await failures(DurabilityConformance, noting, forget)
