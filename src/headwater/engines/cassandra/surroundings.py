"""Surroundings: what a store depends on that is not its own, and what of it endangers the promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from headwater.ports.admin import Finding

__all__ = ["Surroundings", "dangers"]

_REPLICAS: Final = 3
_SKEW: Final = 1.0
"""Seconds by which clocks may differ unnoticed."""
_TOMBSTONES: Final = 100_000
"""How many a read may meet: as many as appends of some seconds leave in the table of intents."""
_BARRED: Final = {
    "minimum_timestamp_fail_threshold": (
        "error",
        "the log is written with timestamps made from versions and offsets, and is refused",
    ),
    "minimum_timestamp_warn_threshold": (
        "warning",
        "the log is written with timestamps made from versions and offsets, and each write is warned of",
    ),
    "maximum_timestamp_fail_threshold": (
        "error",
        "rows of read models that are begun anew in place have timestamps of far away, and are refused",
    ),
    "maximum_timestamp_warn_threshold": (
        "warning",
        "rows of read models that are begun anew in place have timestamps of far away, and each write is warned of",
    ),
}
"""Guardrails that had better not be set."""
_UNSET: Final = ("", "null", "none")


class Surroundings(msgspec.Struct, frozen=True):
    """A cluster's settings and state, as one of its nodes tells them."""

    settings: Mapping[str, str]
    """Of the node that was asked, by name; without those it does not show."""
    replication: Mapping[str, str]
    """Of the keyspace."""
    durable_writes: bool
    wanted: int | None
    """Replicas that the URL asks for."""
    home: str
    """The data centre of the store; empty: all."""
    skew: float
    """Seconds by which a node's clock is ahead of this process's."""
    is_repaired: bool
    """Whether the table of events was ever repaired, as far as anybody remembers."""
    copy_of: str | None
    """The store of which this is an unfinished copy."""
    stuck: Sequence[tuple[int, str]]
    """Partitions of the log that this process cannot have grow, and why."""

    @property
    def replicas(self) -> int:
        """In the data centre where there are fewest of those that count."""
        counts = {name: count for name, count in self.replication.items() if name != "class"}
        homes = {name: count for name, count in counts.items() if name == self.home} or counts
        return min([int(count.partition("/")[0]) for count in homes.values()], default=1)

    def is_on(self, name: str, default: str = "true") -> bool:
        return self.settings.get(name, default).lower() == "true"


def dangers(found: Surroundings, where: str) -> Iterator[Finding]:
    """What is wrong with them, and what to do."""
    for said in (_of_keyspace, _of_paxos, _of_settings, _of_log):
        for severity, what in said(found):
            yield Finding(severity=severity, what=what, where=where)


def _of_keyspace(found: Surroundings) -> Iterator[tuple[str, str]]:
    replicas = found.replicas
    if not found.durable_writes:
        yield "error", "durable_writes is off: a node that stops forgets what it acknowledged; ALTER KEYSPACE"
    if str(found.replication.get("class", "")).endswith("SimpleStrategy"):
        yield (
            "warning",
            "the keyspace is replicated by SimpleStrategy, which knows no racks and no data centres: "
            "ALTER KEYSPACE to NetworkTopologyStrategy, and repair",
        )
    if replicas == 1:
        yield (
            "warning",
            "each event is on one node: its loss is the events' loss; add nodes, ALTER KEYSPACE to 3 replicas, and "
            "repair",
        )
    elif replicas < _REPLICAS:
        yield (
            "warning",
            f"a majority of {replicas} replicas is all of them: appends stop with any node; ALTER KEYSPACE to 3, and "
            "repair",
        )
    if found.wanted is not None and replicas < found.wanted:
        yield (
            "warning",
            f"the keyspace has {replicas} replicas, the URL asks for {found.wanted}: ALTER KEYSPACE, and repair",
        )
    if replicas > 1 and not found.is_repaired:
        yield (
            "warning",
            "nothing says that the events were ever repaired: run `nodetool repair` on every node, more often than "
            "each gc_grace_seconds",
        )


def _of_paxos(found: Surroundings) -> Iterator[tuple[str, str]]:
    variant = found.settings.get("paxos_variant", "v1").lower()
    purging = found.settings.get("paxos_state_purging", "legacy").lower()
    if "without_linearizable" in variant:
        yield "error", f"paxos_variant is {variant}: serial reads may miss what is decided; set paxos_variant: v2"
    elif variant != "v2":
        yield "warning", f"paxos_variant is {variant}: appends take twice the round trips; set paxos_variant: v2"
    if purging == "legacy" or purging in _UNSET:
        yield (
            "warning",
            "paxos_state_purging is legacy: what is agreed on expires by the clock, be it known to all replicas or "
            "not; set paxos_state_purging: repaired, on every node",
        )
    if not found.is_on("paxos_repair_enabled"):
        yield (
            "warning",
            "paxos_repair_enabled is off: what was left undecided stays so when nodes change; set it to true",
        )


def _of_settings(found: Surroundings) -> Iterator[tuple[str, str]]:
    for name, (severity, what) in _BARRED.items():
        if found.settings.get(name, "").lower() not in _UNSET:
            yield severity, f"{name} is {found.settings[name]}: {what}; leave it unset"
    if not found.is_on("user_timestamps_enabled"):
        yield "error", "user_timestamps_enabled is off: the log cannot be written; set it to true"
    if found.settings.get("commitlog_sync", "").lower() == "periodic":
        yield (
            "warning",
            "commitlog_sync is periodic: what is acknowledged is on disk only moments later, so that nodes that lose "
            "their power together lose it; set commitlog_sync: group, or spread the replicas",
        )
    threshold = found.settings.get("tombstone_failure_threshold", "")
    if threshold.isdecimal() and int(threshold) < _TOMBSTONES:
        yield (
            "warning",
            f"tombstone_failure_threshold is {threshold}: looking for appends that are yet to be logged may fail while "
            f"there are many; set it to {_TOMBSTONES} or more",
        )
    if abs(found.skew) > _SKEW:
        yield (
            "warning",
            f"a node's clock is {abs(found.skew):,.1f} s {'ahead of' if found.skew > 0 else 'behind'} this machine's: "
            "have all of them keep time by the same source",
        )


def _of_log(found: Surroundings) -> Iterator[tuple[str, str]]:
    if found.copy_of is not None:
        yield (
            "warning",
            f"this is an unfinished copy of store {found.copy_of}: run `headwater copy` until it is whole",
        )
    for part, why in found.stuck:
        yield "warning", f"partition {part} of the log does not grow by this process: {why}"
