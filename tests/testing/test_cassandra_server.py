"""A Cassandra of one node on this machine: made, found again, crashed, frozen, removed."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headwater.errors import ConfigurationError, StoreError, StoreUnavailable
from headwater.testing.servers import CassandraServer, cassandra, installed
from headwater.testing.servers.account import cache_folder
from headwater.testing.servers.cassandra import CassandraNode
from headwater.testing.servers.cassandra.jars import VERSION, find_jars, find_java
from headwater.testing.servers.cassandra.layout import lay_out, write_layout
from tests.engines.run_servers import absence

pytestmark = pytest.mark.timeout(240)

AT_ONCE = {"commitlog_sync": "batch", "commitlog_sync_period": ""}
"""What is acknowledged is on the disk, so that a crash loses nothing even of one node."""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the account of the server can pass, which it cannot in `tmp_path`."""
    with tempfile.TemporaryDirectory(prefix="headwater-cassandra-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module")
def made(folder: Path) -> Iterator[CassandraServer]:
    server = CassandraServer(folder / "server", settings=AT_ONCE, options=cassandra.QUICK_START)
    try:
        server.start()
    except ConfigurationError as error:
        raise absence("cassandra", str(error)) from None
    yield server
    server.delete()


@pytest.fixture
def server(made: CassandraServer) -> CassandraServer:
    """Running, with a keyspace."""
    made.thaw()
    made.start()
    replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    made.nodes[0].query(f"CREATE KEYSPACE IF NOT EXISTS kept WITH replication = {replication}")
    made.nodes[0].query("CREATE TABLE IF NOT EXISTS kept.texts (id text PRIMARY KEY, said text)")
    return made


def said(node: CassandraNode, id: str) -> list[list[str]]:
    return node.query(f"SELECT said FROM kept.texts WHERE id = '{id}'")


def say(node: CassandraNode, id: str) -> None:
    node.query(f"INSERT INTO kept.texts (id, said) VALUES ('{id}', 'yes')")


def test_it_answers_with_its_settings_on_the_loopback_address_only(server: CassandraServer) -> None:
    status = server.status()
    assert status.answers
    assert status.pid == server.pid
    assert status.version == VERSION
    (node,) = server.nodes
    settings = {row[0]: row[1] for row in node.query("SELECT name, value FROM system_views.settings")}
    assert settings["commitlog_sync"] == "batch"
    assert settings["paxos_variant"] == "v2"
    assert settings["paxos_state_purging"] == "repaired"
    assert settings["paxos_on_linearizability_violations"] == "fail"
    assert settings["storage_compatibility_mode"] == "NONE"
    assert (settings["listen_address"], settings["rpc_address"]) == ("127.0.0.2", "127.0.0.2")
    assert server.url == f"cassandra://127.0.0.2:{settings['native_transport_port']}/headwater"


def test_what_it_refuses_is_an_error(server: CassandraServer) -> None:
    with pytest.raises(StoreError, match="nothing"):
        server.nodes[0].query("SELECT nothing FROM kept.texts")


def test_rows_come_as_texts_and_a_null_as_an_empty_one(server: CassandraServer) -> None:
    (node,) = server.nodes
    node.query("INSERT INTO kept.texts (id) VALUES ('é')")
    assert node.query("SELECT id, said FROM kept.texts WHERE id = 'é'") == [["é", ""]]
    assert said(node, "never") == []


def test_it_is_started_once(server: CassandraServer) -> None:
    before = server.pid
    server.start()
    CassandraServer(server.folder).start()
    assert server.pid == before


def test_another_size_is_refused(server: CassandraServer) -> None:
    with pytest.raises(ConfigurationError, match="nodes=1, and 3 are asked for"):
        CassandraServer(server.folder, nodes=3).start()
    with pytest.raises(ConfigurationError, match="1 or 3"):
        CassandraServer(server.folder.with_name("another"), nodes=2).start()


def test_stopped_while_it_is_frozen_it_keeps_port_and_data(server: CassandraServer) -> None:
    say(server.nodes[0], "stopped")
    url = server.url
    server.freeze()
    assert server.stop()
    assert not server.stop()
    status = server.status()
    assert (status.pid, status.answers, status.version, status.url) == (None, False, "", url)
    again = CassandraServer(server.folder, settings=AT_ONCE, options=cassandra.QUICK_START)
    again.start()
    assert again.url == url
    assert said(again.nodes[0], "stopped") == [["yes"]]


def test_killed_it_is_gone_and_recovers(server: CassandraServer) -> None:
    say(server.nodes[0], "killed")
    before = server.pid
    server.kill()
    assert server.pid is None
    server.nodes[0].start()
    assert server.pid not in {None, before}
    assert said(server.nodes[0], "killed") == [["yes"]]


def test_frozen_it_runs_and_does_not_answer(server: CassandraServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.testing.servers.cassandra.node.PATIENCE", 0.5)
    pid = server.pid
    server.freeze()
    assert server.pid == pid
    assert not server.status().answers
    server.thaw()
    server.start()
    assert server.pid == pid
    assert server.status().answers


def test_a_port_that_another_has_is_said(server: CassandraServer) -> None:
    port = int(server.url.rpartition("/")[0].rpartition(":")[2])
    other = CassandraServer(server.folder.with_name("second"), port)
    with pytest.raises(StoreUnavailable, match="Address already in use"):
        other.start()
    other.delete()
    assert not other.folder.exists()


def test_one_that_does_not_come_up_says_why_and_removed_leaves_what_others_put_there(folder: Path) -> None:
    server = CassandraServer(folder / "odd", settings={"nonsense": "1"})
    try:
        with pytest.raises(StoreUnavailable, match="nonsense"):
            server.start()
        assert server.status().pid is None
        (server.folder / "notes").touch()
    except ConfigurationError as error:
        raise absence("cassandra", str(error)) from None
    finally:
        server.delete()
    assert [path.name for path in server.folder.iterdir()] == ["notes"]
    with pytest.raises(StoreUnavailable, match="start one"):
        _ = server.url


def test_a_pid_that_is_another_process_is_not_touched(folder: Path) -> None:
    server = CassandraServer(folder / "passed-on")
    server.folder.mkdir()
    write_layout(server.folder / "cluster.json", lay_out(1, None))
    (node,) = server.nodes
    node.folder.mkdir()
    (node.folder / "pid").write_text(f"{os.getpid()}\n")
    assert server.pid is None
    assert not server.stop()
    server.kill()
    server.delete()
    assert not server.folder.exists()


# -- where it cannot be had ------------------------------------------------------


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with apt-get alone, and nothing kept."""
    monkeypatch.setattr(shutil, "which", lambda name: name if name == "apt-get" else None)
    monkeypatch.setattr(installed, "_docker_answers", lambda: False)
    monkeypatch.setattr("headwater.testing.servers.jars._WHERE", ())
    monkeypatch.setattr("headwater.testing.servers.jars.cache_folder", lambda server: tmp_path / server)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path


def test_without_java_it_says_what_to_install(bare: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no Java 17 is installed here.* openjdk-17-jre-headless"):
        CassandraServer(bare / "server").start()


def test_a_java_that_cassandra_does_not_run_on_is_passed_by(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = bare / "bin" / "java"
    java.parent.mkdir()
    monkeypatch.setenv("JAVA_HOME", str(bare))
    for version, found in (("21.0.1", False), ("17.0.15", True)):
        java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
        java.chmod(0o755)
        if found:
            assert find_java() == java
        else:
            with pytest.raises(ConfigurationError, match="no Java 17"):
                find_java()


def test_without_maven_it_says_what_to_install(bare: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no Maven is installed here.* maven"):
        find_jars()


def test_jars_that_are_kept_need_no_maven(bare: Path) -> None:
    (bare / "cassandra" / VERSION).mkdir(parents=True)
    assert find_jars() == bare / "cassandra" / VERSION


def test_jars_that_maven_does_not_fetch_are_not_kept(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven = bare / "mvn"
    maven.write_text("#!/bin/sh\necho no such repository\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(maven) if name == "mvn" else None)
    with pytest.raises(StoreUnavailable, match="no such repository"):
        find_jars()
    assert [path.name for path in (bare / "cassandra").iterdir()] == ["lock"]


def test_of_many_that_start_at_once_one_fetches_the_jars(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven = bare / "mvn"
    maven.write_text(f"#!/bin/sh\necho once >>{bare}/calls\nfor last; do :; done\nmkdir -p ${{last#*=}}\n")
    maven.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(maven) if name == "mvn" else None)
    start = threading.Barrier(8)

    def find(_: int) -> Path:
        start.wait()
        return find_jars()

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(find, range(8))) == {bare / "cassandra" / VERSION}
    assert (bare / "calls").read_text() == "once\n"


def test_an_address_that_is_not_here_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.testing.servers.cassandra.layout._FIRST", "192.0.2.1")
    with pytest.raises(ConfigurationError, match=r"ifconfig lo0 alias 192\.0\.2\.1"):
        CassandraServer(folder / "nowhere").start()


def test_programs_are_kept_with_the_caches_of_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/ann/cache")
    assert cache_folder("cassandra") == Path("/home/ann/cache/headwater/cassandra")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert cache_folder("cassandra") == Path("/var/cache/headwater/cassandra")


def test_the_container_has_the_same_rules_for_conditional_writes() -> None:
    shipped = Path(cassandra.__file__).with_name("cassandra.yaml").read_text()
    composed = installed.COMPOSE.read_text()
    rules = [line.split(": ") for line in shipped.splitlines() if line.startswith("paxos_")]
    assert len(rules) == 3
    assert [rule for rule, value in rules if f"-Dcassandra.settings.{rule}={value}\n" not in composed] == []
    assert f"image: cassandra:{VERSION}\n" in composed
