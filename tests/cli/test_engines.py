"""`headwater engines`: a server is started, looked at, stopped and removed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from headwater.cli.exits import ExitCode
from headwater.cli.program import program
from headwater.testing.servers import PostgresServer
from tests.engines.run_servers import absence


@pytest.fixture
def folder() -> Iterator[str]:
    """Where the account of the server can pass."""
    with tempfile.TemporaryDirectory(prefix="headwater-engines-") as name:
        Path(name).chmod(0o711)
        yield f"{name}/postgres"


def engines(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(program, ["engines", *arguments], env={"COLUMNS": "200"})
    if "is installed here" in result.stderr:
        raise absence(arguments[1], result.stderr)
    assert result.exit_code == code, result.stderr
    return result.stdout


def test_a_server_comes_and_goes(folder: str) -> None:
    there = ("postgres", "--folder", folder)
    assert json.loads(engines("status", *there, "--json", code=ExitCode.STORE))["url"] == ""
    assert "postgresql://postgres@127.0.0.1:" in engines("up", *there)
    status = json.loads(engines("status", *there, "--json"))
    assert (status["engine"], status["answers"], status["folder"]) == ("postgres", True, folder)
    assert json.loads(engines("up", *there, "--json")) == status
    assert "would stop" in engines("down", *there, "--delete", "--dry-run")
    engines("down", *there, "--delete", code=ExitCode.USAGE)
    assert "postgres is stopped" in engines("down", *there)
    assert "was not running" in engines("down", *there)
    assert "answers  no" in engines("status", *there, code=ExitCode.STORE)
    assert json.loads(engines("down", *there, "--delete", "--yes", "--json"))["deleted"]
    assert not Path(folder).exists()


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("engine", "address"), [("cassandra", "127.0.0.2"), ("kafka", "127.0.0.1")])
def test_one_of_java_comes_and_goes(folder: str, engine: str, address: str) -> None:
    there = (engine, "--folder", folder)
    assert json.loads(engines("status", *there, "--json", code=ExitCode.STORE))["url"] == ""
    up = json.loads(engines("up", *there, "--for-tests", "--json"))
    assert (up["engine"], up["answers"], up["folder"]) == (engine, True, folder)
    assert up["url"].startswith(f"{engine}://{address}:")
    assert json.loads(engines("status", *there, "--json")) == up
    assert f"{engine} is stopped" in engines("down", *there, "--delete", "--yes")
    assert not Path(folder).exists()


def test_a_size_that_a_server_cannot_have_is_refused(folder: str) -> None:
    for server in ("postgres", "cassandra", "kafka"):
        result = CliRunner().invoke(program, ["engines", "up", server, "--folder", folder, "--nodes", "2"])
        assert result.exit_code == ExitCode.USAGE, result.stderr
        assert not Path(folder).exists()


def test_a_port_that_is_taken_is_said(folder: str) -> None:
    engines("up", "postgres", "--folder", folder, "--for-tests")
    assert PostgresServer(Path(folder)).query("SHOW fsync") == "off"
    try:
        port = str(urlsplit(json.loads(engines("status", "postgres", "--folder", folder, "--json"))["url"]).port)
        result = CliRunner().invoke(
            program, ["engines", "up", "postgres", "--folder", f"{folder}-2", "--port", port], env={"COLUMNS": "200"}
        )
        assert result.exit_code == ExitCode.STORE
        assert "Address already in use" in result.stderr
    finally:
        engines("down", "postgres", "--folder", folder, "--delete", "--yes")
        engines("down", "postgres", "--folder", f"{folder}-2", "--delete", "--yes")
