"""The rules of leases."""

from __future__ import annotations

from tests.cassandra.mutants.planting import Edit
from tests.cassandra.mutants.rule import PROTOCOL, SIMULATOR, Rule
from tests.cassandra.simulator.variant import LeaseVariant

__all__ = ["LEASE_RULES"]

LEASING = PROTOCOL + "leasing"

LEASE_RULES = (
    Rule(
        name="a lease's epoch rises with every change of owner",
        step="L1",
        edits=(Edit(LEASING, "else seen.epoch + 1", "else seen.epoch"),),
        variant=LeaseVariant(),
    ),
    Rule(
        name="a lease is written if it is as it was seen",
        step="L1",
        edits=(Edit(SIMULATOR + "leases", 'expected, statics = {"row": request.seen},', "expected, statics = {},"),),
        variant=LeaseVariant(),
    ),
    Rule(
        name="an unknown answer is no lease",
        step="L1",
        edits=(Edit(LEASING, "else (yield from ask(ReadLeaseSerially(name)))", "else wanted"),),
        variant=LeaseVariant(),
    ),
    Rule(
        name="a lease is taken from another only once it has expired",
        step="L1",
        edits=(Edit(LEASING, "    return 0 < lease.expires_at - now", "    return 10 < lease.expires_at - now"),),
        variant=LeaseVariant(),
    ),
    Rule(
        name="a lease is waited for no longer than it can last",
        step="L3",
        edits=(Edit(LEASING, " <= lease.ttl + SKEW", ""),),
        variant=LeaseVariant(steps=True),
    ),
    Rule(
        name="a clock that is a little behind has not stepped back",
        step="L3",
        edits=(Edit(LEASING, "lease.ttl + SKEW", "lease.ttl"),),
        variant=LeaseVariant(skew=40),
    ),
)
