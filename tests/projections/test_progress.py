"""Progress: rate and ETA."""

from __future__ import annotations

from headwater.projections.progress import Meter, Progress


def test_rate_and_eta_follow_from_the_clock() -> None:
    meter = Meter(total=100, now=0)
    meter.add(10, now=1_000_000)
    progress = meter.add(10, now=2_000_000)
    assert (progress.done, progress.rate, progress.eta_seconds) == (20, 10.0, 8.0)
    assert not progress.finished
    assert meter.add(80, now=3_000_000).finished


def test_before_the_first_event_there_is_no_eta() -> None:
    progress = Progress(done=0, total=5, seconds=0.0)
    assert (progress.rate, progress.eta_seconds) == (0.0, None)


def test_more_events_than_expected_raise_the_total() -> None:
    assert Meter(total=1, now=0).add(3, now=1).total == 3
