"""Three Cassandra nodes on this machine: each is crashed and frozen on its own, and the others go on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.errors import ConfigurationError, StoreError
from headwater.testing.servers import CassandraServer, cassandra
from headwater.testing.servers.cassandra.native_protocol import ALL, QUORUM
from tests.engines.run_servers import absence

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

THREE_COPIES = "{'class': 'SimpleStrategy', 'replication_factor': 3}"


@pytest.fixture(scope="module")
def made() -> Iterator[CassandraServer]:
    with tempfile.TemporaryDirectory(prefix="headwater-cassandra-") as name:
        Path(name).chmod(0o711)
        server = CassandraServer(Path(name) / "server", nodes=3, options=cassandra.QUICK_START)
        try:
            server.start()
        except ConfigurationError as error:
            raise absence("cassandra", str(error)) from None
        server.nodes[0].query(f"CREATE KEYSPACE kept WITH replication = {THREE_COPIES}")
        server.nodes[0].query("CREATE TABLE kept.texts (id text PRIMARY KEY, said text)")
        yield server
        server.delete()


@pytest.fixture
def server(made: CassandraServer) -> CassandraServer:
    """Every node runs and sees the others."""
    made.thaw()
    made.start()
    return made


def test_every_node_sees_the_others(server: CassandraServer) -> None:
    status = server.status()
    assert status.answers
    hosts = [node.host for node in server.nodes]
    assert hosts == ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
    assert status.url.startswith(f"cassandra://{','.join(hosts)}:")
    for node in server.nodes:
        assert len(node.query("SELECT CAST(peer AS text) FROM system.peers_v2")) == 2


def test_a_killed_node_is_missed_and_catches_up(server: CassandraServer) -> None:
    first, second, third = server.nodes
    third.kill()
    assert (third.pid, server.pid) == (None, first.pid)
    assert not server.status().answers
    second.query("INSERT INTO kept.texts (id, said) VALUES ('k', 'yes') IF NOT EXISTS", QUORUM)
    third.start()
    server.start()
    assert third.query("SELECT said FROM kept.texts WHERE id = 'k'", ALL) == [["yes"]]


def test_a_frozen_node_does_not_answer_and_two_are_no_quorum(server: CassandraServer) -> None:
    first, second, third = server.nodes
    second.freeze()
    first.query("INSERT INTO kept.texts (id, said) VALUES ('f', 'yes')", QUORUM)
    third.freeze()
    with pytest.raises(StoreError):
        first.query("SELECT said FROM kept.texts WHERE id = 'f'", QUORUM)
    server.thaw()
    server.start()
    assert second.query("SELECT said FROM kept.texts WHERE id = 'f'", ALL) == [["yes"]]


def test_restarted_as_a_whole_it_keeps_what_it_had(server: CassandraServer) -> None:
    server.nodes[0].query("INSERT INTO kept.texts (id, said) VALUES ('r', 'yes')", ALL)
    before = [node.pid for node in server.nodes]
    server.restart()
    assert not set(before) & {node.pid for node in server.nodes}
    assert server.nodes[2].query("SELECT said FROM kept.texts WHERE id = 'r'", ALL) == [["yes"]]
