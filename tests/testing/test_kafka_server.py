"""A Kafka broker of this machine: made, found again, crashed, frozen, removed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.errors import ConfigurationError, StoreUnavailable
from headwater.testing.servers import KafkaServer, installed
from headwater.testing.servers.kafka.jars import VERSION, find_jars
from headwater.testing.servers.kafka.wire import greet
from tests.engines.run_servers import absence

pytestmark = pytest.mark.timeout(240)

TOPICS = "org.apache.kafka.tools.TopicCommand"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the account of the server can pass, which it cannot in `tmp_path`."""
    with tempfile.TemporaryDirectory(prefix="headwater-kafka-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module")
def made(folder: Path) -> Iterator[KafkaServer]:
    server = KafkaServer(folder / "server", settings={"message.max.bytes": "65536"})
    try:
        server.start()
    except ConfigurationError as error:
        raise absence("kafka", str(error)) from None
    yield server
    server.delete()


@pytest.fixture
def server(made: KafkaServer) -> KafkaServer:
    """Running."""
    made.thaw()
    made.start()
    return made


def topics(server: KafkaServer, *arguments: str) -> list[str]:
    command = server.tool(TOPICS, "--bootstrap-server", server.servers, *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_it_answers_on_the_loopback_address_only(server: KafkaServer) -> None:
    status = server.status()
    assert (status.answers, status.pid, status.version) == (True, server.pid, VERSION)
    assert status.url == server.url == f"kafka://127.0.0.1:{server.port}"
    listeners = [line for line in server.properties.read_text().splitlines() if "://" in line]
    assert listeners
    assert all(each.count("://127.0.0.1:") == each.count("://") for each in listeners)
    assert "message.max.bytes=65536" in server.properties.read_text().splitlines()


def test_it_is_started_once(server: KafkaServer) -> None:
    before = server.pid
    server.start()
    KafkaServer(server.folder).start()
    assert server.pid == before


def test_stopped_while_it_is_frozen_or_killed_it_keeps_port_and_data(server: KafkaServer) -> None:
    topics(server, "--create", "--topic", "kept", "--partitions", "3")
    url, before = server.url, server.pid
    server.freeze()
    assert server.stop()
    assert not server.stop()
    status = server.status()
    assert (status.pid, status.answers, status.version, status.url) == (None, False, "", url)
    server.start()
    server.kill()
    assert server.pid is None
    again = KafkaServer(server.folder)
    again.start()
    assert (again.url, again.pid in {None, before}) == (url, False)
    assert "kept" in topics(again, "--list")


def test_frozen_it_runs_and_does_not_answer(server: KafkaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.testing.servers.kafka.server.PATIENCE", 0.5)
    pid = server.pid
    server.freeze()
    assert server.pid == pid
    assert not server.status().answers
    server.thaw()
    server.start()
    assert server.pid == pid
    greet("127.0.0.1", server.port, 30.0)


def test_a_port_that_another_has_is_said(server: KafkaServer) -> None:
    other = KafkaServer(server.folder.with_name("second"), server.port)
    with pytest.raises(StoreUnavailable, match="Address already in use"):
        other.start()
    other.delete()
    assert not other.folder.exists()


def test_one_that_does_not_come_up_says_why_and_removed_leaves_what_others_put_there(folder: Path) -> None:
    server = KafkaServer(folder / "odd", settings={"log.segment.bytes": "none"})
    try:
        with pytest.raises(StoreUnavailable, match=r"log\.segment\.bytes"):
            server.start()
        assert server.status().pid is None
        (server.folder / "notes").touch()
    except ConfigurationError as error:
        raise absence("kafka", str(error)) from None
    finally:
        server.delete()
    assert [path.name for path in server.folder.iterdir()] == ["notes"]
    with pytest.raises(StoreUnavailable, match="start one"):
        _ = server.url


def test_a_pid_that_is_another_process_is_not_touched(tmp_path: Path) -> None:
    server = KafkaServer(tmp_path / "passed-on")
    server.folder.mkdir()
    (server.folder / "pid").write_text(f"{os.getpid()}\n")
    assert server.pid is None
    assert not server.stop()
    server.kill()
    server.delete()
    assert not server.folder.exists()


def test_what_is_no_broker_does_not_answer() -> None:
    with pytest.raises(StoreUnavailable, match=r"no Kafka answers at 127\.0\.0\.1:1"):
        greet("127.0.0.1", 1, 1.0)


def test_without_maven_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: name if name == "apt-get" else None)
    monkeypatch.setattr(installed, "_docker_answers", lambda: False)
    monkeypatch.setattr("headwater.testing.servers.jars.cache_folder", lambda server: tmp_path / server)
    with pytest.raises(ConfigurationError, match=r"no Maven is installed here.* maven"):
        find_jars()


def test_the_container_is_of_the_same_version() -> None:
    assert f"image: apache/kafka:{VERSION}\n" in installed.COMPOSE.read_text()
