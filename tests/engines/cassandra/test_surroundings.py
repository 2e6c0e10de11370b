"""Surroundings: what of a cluster endangers a store there, and what to do about it."""

from __future__ import annotations

import msgspec
import pytest

from headwater.engines.cassandra import open_engine
from headwater.engines.cassandra.surroundings import Surroundings, dangers
from headwater.ports.engine import EngineOptions
from tests.engines.cassandra_servers import fresh_keyspace

SETTINGS = {
    "paxos_variant": "v2",
    "paxos_state_purging": "repaired",
    "paxos_repair_enabled": "true",
    "commitlog_sync": "group",
    "tombstone_failure_threshold": "100000",
    "user_timestamps_enabled": "true",
    "minimum_timestamp_fail_threshold": "None",
}
GOOD = Surroundings(
    settings=SETTINGS,
    replication={"class": "org.apache.cassandra.locator.NetworkTopologyStrategy", "dc1": "3"},
    durable_writes=True,
    wanted=3,
    home="",
    skew=0.1,
    is_repaired=True,
    copy_of=None,
    stuck=(),
)
SIMPLE = "org.apache.cassandra.locator.SimpleStrategy"


def but(**settings: str) -> dict[str, object]:
    return {"settings": SETTINGS | settings}


@pytest.mark.parametrize(
    ("changes", "severity", "what"),
    [
        ({"durable_writes": False}, "error", "durable_writes is off"),
        ({"replication": {"class": SIMPLE, "replication_factor": "3"}}, "warning", "SimpleStrategy"),
        ({"replication": {"dc1": "1"}, "wanted": None}, "warning", "each event is on one node"),
        ({"replication": {"dc1": "2"}, "wanted": None}, "warning", "a majority of 2 replicas is all of them"),
        ({"wanted": 5}, "warning", "has 3 replicas, the URL asks for 5"),
        ({"replication": {"dc1": "3", "dc2": "2"}, "home": "dc2", "wanted": None}, "warning", "a majority of 2"),
        ({"is_repaired": False}, "warning", "nodetool repair"),
        (but(paxos_variant="v1"), "warning", "paxos_variant is v1"),
        (but(paxos_variant="v1_without_linearizable_reads_or_rejected_writes"), "error", "serial reads may miss"),
        (but(paxos_state_purging="legacy"), "warning", "paxos_state_purging is legacy"),
        (but(paxos_repair_enabled="false"), "warning", "paxos_repair_enabled is off"),
        (but(minimum_timestamp_fail_threshold="5d"), "error", "minimum_timestamp_fail_threshold is 5d"),
        (but(minimum_timestamp_warn_threshold="5d"), "warning", "each write is warned of"),
        (but(maximum_timestamp_fail_threshold="1d"), "error", "maximum_timestamp_fail_threshold is 1d"),
        (but(user_timestamps_enabled="false"), "error", "user_timestamps_enabled is off"),
        (but(commitlog_sync="periodic"), "warning", "commitlog_sync is periodic"),
        (but(tombstone_failure_threshold="1000"), "warning", "tombstone_failure_threshold is 1000"),
        ({"skew": 4.2}, "warning", "4.2 s ahead of"),
        ({"skew": -4.2}, "warning", "4.2 s behind"),
        ({"copy_of": "another"}, "warning", "unfinished copy of store another"),
        ({"stuck": [(3, "no node can be reached")]}, "warning", "partition 3 of the log"),
    ],
)
def test_what_endangers_the_promises_is_said(changes: dict[str, object], severity: str, what: str) -> None:
    (finding,) = dangers(msgspec.structs.replace(GOOD, **changes), "here")
    assert (finding.severity, finding.where) == (severity, "here")
    assert what in finding.what


def test_a_cluster_as_it_should_be_is_no_danger() -> None:
    assert list(dangers(GOOD, "here")) == []


def test_a_store_at_home_in_one_data_center_needs_no_replicas_elsewhere() -> None:
    replication = {"class": "NetworkTopologyStrategy", "dc1": "3", "dc2": "1"}
    assert list(dangers(msgspec.structs.replace(GOOD, replication=replication, home="dc1"), "here")) == []


async def test_a_cluster_is_looked_at() -> None:
    async with fresh_keyspace(partitions="1") as url:
        for more in ("", "&replication=9"):
            engine = open_engine(url + more, EngineOptions())
            await engine.open()
            await engine.imports.begin("another store")
            found, info = await engine.admin.doctor(), await engine.admin.info()
            await engine.close()
    said = " ".join(finding.what for finding in found)
    assert "the URL asks for 9: ALTER KEYSPACE" in said
    assert "unfinished copy of store another store" in said
    assert {finding.where for finding in found} == {engine.location.shown}
    assert info.details["server"][0].isdecimal()
    assert info.details["levels"] == "QUORUM, SERIAL"
    assert info.details["replication"]
