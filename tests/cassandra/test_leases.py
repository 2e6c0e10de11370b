"""Random schedules of the lease core."""

from __future__ import annotations

import pytest

from headwater.engines.cassandra.protocol.leasing import SKEW, acquire, back_off
from headwater.engines.cassandra.protocol.replies import APPLIED
from headwater.engines.cassandra.protocol.rows import LeaseRow
from tests.cassandra.driving import driven
from tests.cassandra.simulator.leases import run_leases
from tests.cassandra.simulator.variant import LEASE_VARIANTS, LeaseVariant


@pytest.mark.parametrize("variant", LEASE_VARIANTS, ids=str)
def test_a_lease_has_one_owner_for_each_epoch(variant: LeaseVariant) -> None:
    ran = [run_leases(seed, variant) for seed in range(150)]
    assert [violation for _, violation in ran if violation is not None] == []
    assert sum(acquired for acquired, _ in ran) > 150


MINE = LeaseRow("me", 3, 1_000, 400)


@pytest.mark.parametrize(
    ("now", "owner", "taken"),
    [
        (999, "you", None),
        (1_000, "you", LeaseRow("you", 4, 1_400, 400)),
        (600 - SKEW, "you", None),
        (599 - SKEW, "you", LeaseRow("you", 4, 999 - SKEW, 400)),
        (599 - SKEW, "me", LeaseRow("me", 3, 999 - SKEW, 400)),
    ],
)
def test_a_lease_lasts_until_it_expires_unless_the_clock_has_stepped_back(
    now: int, owner: str, taken: LeaseRow | None
) -> None:
    asked, lease = driven(acquire("work", owner, now, 400), [MINE] if taken is None else [MINE, APPLIED])
    assert (asked, lease) == (["ReadLease"] if taken is None else ["ReadLease", "WriteLease"], taken)


def test_a_back_off_knows_how_long_it_lasts() -> None:
    write = next(back_off("work", MINE, 700, 50))
    assert getattr(write, "row", None) == LeaseRow("", 3, 750, 50)
