"""Rule: a rule of the protocol, and the protocol without it."""

from __future__ import annotations

import msgspec

from tests.cassandra.mutants.planting import Edit
from tests.cassandra.simulator.variant import LeaseVariant, Variant

__all__ = ["PROTOCOL", "SIMULATOR", "Rule"]

PROTOCOL = "headwater.engines.cassandra.protocol."
SIMULATOR = "tests.cassandra.simulator."


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What is removed: from a core itself, or from the statement it stands for, as the simulator performs it."""

    name: str
    step: str
    """Of docs/cassandra-protocol.md."""
    edits: tuple[Edit, ...]
    variant: Variant | LeaseVariant = Variant()
    """Where it is looked for."""
    schedules: int = 1_000
