"""The command line on a store in Cassandra, from a copy to its doctor."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from headwater.domain.stream import StreamId
from headwater.opening import open_engine
from headwater.ports.engine import EngineOptions
from headwater.testing.controls import append_of, command_of
from tests.engines.cassandra_servers import new_keyspace_now


@pytest.fixture
def url() -> Iterator[str]:
    with new_keyspace_now(partitions="2") as url:
        yield url


async def fill(url: str) -> None:
    engine = open_engine(url, EngineOptions())
    await engine.open()
    for number in range(3):
        stream = StreamId("order", str(number))
        await engine.events.append(append_of(stream, 2, command=command_of(f"c{number}")))
    await engine.close()


def told(*arguments: str) -> object:
    command = [sys.executable, "-m", "headwater.cli", *arguments, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


def test_a_store_is_copied_there_and_looked_at(url: str, tmp_path: Path) -> None:
    here, back = f"sqlite:///{tmp_path}/here.db", f"sqlite:///{tmp_path}/back.db"
    asyncio.run(fill(here))
    there = cast("dict[str, object]", told("copy", here, url))
    assert (there["events"], there["commands"], there["differences"]) == (6, 3, [])
    status = cast("dict[str, object]", told("status", "--url", url))
    assert (status["engine"], status["events"], status["streams"]) == ("cassandra", 6, 3)
    listed = cast("list[dict[str, object]]", told("streams", "ls", "--url", url))
    assert [(row["stream"], row["version"]) for row in listed] == [(f"order-{number}", 2) for number in range(3)]
    assert told("verify", "--url", url) == {"events": 6, "findings": []}
    findings = cast("list[dict[str, object]]", told("doctor", "--url", url))
    assert "error" not in {finding["severity"] for finding in findings}
    assert cast("dict[str, object]", told("copy", url, back))["digest"] == there["digest"]
