"""Random schedules of the lease core."""

from __future__ import annotations

import pytest

from tests.cassandra.simulator.leases import run_leases
from tests.cassandra.simulator.variant import LEASE_VARIANTS, LeaseVariant


@pytest.mark.parametrize("variant", LEASE_VARIANTS, ids=str)
def test_a_lease_has_one_owner_for_each_epoch(variant: LeaseVariant) -> None:
    ran = [run_leases(seed, variant) for seed in range(150)]
    assert [violation for _, violation in ran if violation is not None] == []
    assert sum(acquired for acquired, _ in ran) > 150
