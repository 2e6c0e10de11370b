"""A PostgreSQL server of this machine: made, found again, crashed, frozen, removed."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.errors import ConfigurationError, StoreUnavailable
from headwater.testing.servers import PostgresServer, installed, processes
from headwater.testing.servers.account import Account, state_folder
from headwater.testing.servers.installed import find_programs, not_installed
from tests.engines.run_servers import absence


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the account of the server can pass, which it cannot in `tmp_path`."""
    with tempfile.TemporaryDirectory(prefix="headwater-postgres-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module")
def made(folder: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(folder / "server", settings={"work_mem": "5MB"})
    try:
        server.start()
    except ConfigurationError as error:
        raise absence("postgres", str(error)) from None
    yield server
    server.delete()


@pytest.fixture
def server(made: PostgresServer) -> PostgresServer:
    """Running."""
    made.thaw()
    made.start()
    return made


def test_it_answers_with_its_settings_on_the_loopback_address_only(server: PostgresServer) -> None:
    status = server.status()
    assert status.answers
    assert status.pid == server.pid
    assert int(status.version.partition(".")[0]) >= 12
    assert server.query("SELECT current_database(), current_setting('work_mem')") == "headwater|5MB"
    assert server.query("SHOW listen_addresses") == "127.0.0.1"
    assert server.query("SELECT nothing") == ""


def test_it_is_started_once(server: PostgresServer) -> None:
    before = server.pid
    server.start()
    PostgresServer(server.folder).start()
    assert server.pid == before


def test_nobody_comes_in_without_the_password_that_only_the_starter_can_read(server: PostgresServer) -> None:
    assert stat.S_IMODE((server.folder / "pgpass").stat().st_mode) == 0o600
    assert server.url.endswith(f"/headwater?passfile={server.folder}/pgpass")
    psql = find_programs(("psql",), ("/usr/lib/postgresql/*/bin",))
    assert psql is not None
    refused = subprocess.run(
        [psql / "psql", "-w", "-c", "SELECT 1", server.url.partition("?")[0]],
        env={"PGPASSWORD": "guessed"},
        capture_output=True,
        check=False,
    )
    assert refused.returncode != 0
    assert b"password authentication failed" in refused.stderr


def test_stopped_it_keeps_port_and_data(server: PostgresServer) -> None:
    server.query("CREATE TABLE kept AS SELECT 1 AS n")
    url = server.url
    assert server.stop()
    assert not server.stop()
    status = server.status()
    assert (status.pid, status.answers, status.version, status.url) == (None, False, "", url)
    again = PostgresServer(server.folder)
    again.start()
    assert again.url == url
    assert again.query("SELECT n FROM kept") == "1"


def test_restarted_it_is_another_process(server: PostgresServer) -> None:
    before = server.pid
    server.restart("immediate")
    assert server.pid not in {None, before}


def test_killed_it_is_gone_with_all_its_processes_and_recovers(server: PostgresServer) -> None:
    server.query("CREATE TABLE survives AS SELECT 7 AS n")
    pid = server.pid
    assert pid is not None
    family = processes.with_children(pid)
    assert len(family) > 3
    server.kill()
    assert server.pid is None
    assert [one for one in family if processes.is_running(one)] == []
    server.start()
    assert server.query("SELECT n FROM survives") == "7"


def test_frozen_it_runs_and_does_not_answer(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.testing.servers.postgres.PATIENCE", "1")
    pid = server.pid
    server.freeze()
    assert server.pid == pid
    assert not server.status().answers
    server.thaw()
    assert server.status().answers


def test_frozen_it_can_be_stopped(server: PostgresServer) -> None:
    server.freeze()
    assert server.stop()


def test_a_pid_that_is_another_process_is_not_touched(server: PostgresServer) -> None:
    server.stop()
    left = server.folder / "data" / "postmaster.pid"
    left.write_text(f"{os.getpid()}\n")
    try:
        assert server.pid is None
        assert not server.stop()
        server.kill()
        assert left.exists()
    finally:
        left.unlink()


def test_a_server_that_does_not_come_up_says_why(server: PostgresServer) -> None:
    server.stop()
    with pytest.raises(StoreUnavailable, match="nonsense"):
        PostgresServer(server.folder, settings={"nonsense": "1"}).start()


def test_removed_it_leaves_what_others_put_there(folder: Path, server: PostgresServer) -> None:
    other = PostgresServer(folder / "other")
    other.start()
    (other.folder / "notes").touch()
    other.delete()
    assert [path.name for path in other.folder.iterdir()] == ["notes"]
    assert other.status().pid is None
    with pytest.raises(StoreUnavailable, match="start one"):
        _ = other.url
    assert server.status().answers


# -- where it cannot be had ------------------------------------------------------


@pytest.mark.parametrize(
    ("docker", "programs", "system", "advice"),
    [
        (True, (), "Linux", "docker compose -f .*compose.yaml up --wait postgres"),
        (False, ("apt-get",), "Linux", "apt-get install --yes postgresql"),
        (False, (), "Darwin", "brew install postgresql@17"),
        (False, (), "Linux", "the system's packages"),
    ],
)
def test_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, docker: bool, programs: tuple[str, ...], system: str, advice: str
) -> None:
    monkeypatch.setattr(installed, "_docker_answers", lambda: docker)
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(shutil, "which", lambda name: name if name in programs else None)
    assert find_programs(("no-such-program",), ("/no/such/folder/*",)) is None
    with pytest.raises(ConfigurationError, match=advice):
        raise not_installed("postgres", "postgresql", "postgresql@17")


def test_the_containers_are_shipped() -> None:
    assert installed.COMPOSE.is_file()
    assert "127.0.0.1:" in installed.COMPOSE.read_text()


def test_the_highest_version_is_taken(tmp_path: Path) -> None:
    for version in ("9.6", "15", "17"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "no-such-program").touch()
    assert find_programs(("no-such-program",), (f"{tmp_path}/*",)) == tmp_path / "17"


def test_a_folder_that_the_account_cannot_reach_is_refused(tmp_path: Path) -> None:
    account = Account("nobody")
    if os.geteuid() != 0:
        account.must_reach(tmp_path)
        return
    tmp_path.chmod(0o700)
    with pytest.raises(ConfigurationError, match="name another folder"):
        account.must_reach(tmp_path / "server")


def test_the_folder_is_with_the_state_of_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/home/ann/state")
    assert state_folder("postgres") == Path("/home/ann/state/headwater/postgres")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert state_folder("postgres") == Path("/var/lib/headwater/postgres")


def test_a_server_that_is_required_and_missing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_REQUIRE_ENGINES", "postgres,kafka")
    assert isinstance(absence("postgres", "there is none"), pytest.fail.Exception)
    assert isinstance(absence("cassandra", "there is none"), pytest.skip.Exception)
