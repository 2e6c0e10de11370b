"""Consistency: what an application declares about its checks, the built-in ones included."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

import msgspec

from headwater.consistency.checks.built_in import HasStore, built_in_checks
from headwater.consistency.checks.check import CheckLike, ConsistencyCheck, Repair, parse_checks
from headwater.consistency.manager import ConsistencyManager

__all__ = ["Consistency"]


class Consistency(msgspec.Struct, frozen=True, kw_only=True):
    """Checks that belong to an application, and how they are run; see ConsistencyManager for the times."""

    checks: Sequence[CheckLike] = ()
    """What should hold beside the built-in checks, which none of them may be named like."""
    scheduled: bool = False
    """Run them again and again wherever the projections run; False: only when asked to."""
    max_inconsistency_window: float | timedelta = 5.0
    reconciliation_interval: float | timedelta = 60.0
    repairs_per_hour: int = 4
    repairs: Mapping[str, Repair] = msgspec.field(default_factory=dict[str, Repair])
    """What the schedule does about lasting inconsistencies that built-in checks find, by their names."""
    without: Collection[str] = ()
    """Built-in checks to leave out."""
    built_in_every: float | timedelta = 3_600.0
    """The shortest time between two looks of the schedule at one built-in check: those of rows read the log."""

    def checks_of(self, application: HasStore, sample: int = 10_000) -> list[ConsistencyCheck]:
        """The declared checks, then the built-in ones; `sample` rows make a part. See `built_in_checks`."""
        built_in = built_in_checks(
            application, sample=sample, every=self.built_in_every, repairs=self.repairs, without=self.without
        )
        return parse_checks([*parse_checks(self.checks), *built_in])

    def manager_of(self, application: HasStore) -> ConsistencyManager:
        """What runs them. Raises ConfigurationError for what cannot work."""
        return ConsistencyManager(
            application,
            max_inconsistency_window=self.max_inconsistency_window,
            reconciliation_interval=self.reconciliation_interval,
            consistency_checks=self.checks_of(application),
            repairs_per_hour=self.repairs_per_hour,
        )
