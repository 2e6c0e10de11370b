"""cassandra_suites: the suites of the engine on Cassandra, on three nodes instead of one."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Sequence

from tests.faults.cassandra_servers import three_nodes
from tests.faults.folder import ROOT
from tests.faults.history import Findings
from tests.faults.report import Row, row

__all__ = ["SUITES", "run_suites"]

SUITES = (
    "tests/engines/test_cassandra.py",
    "tests/engines/test_cassandra_imports.py",
    "tests/engines/test_cassandra_projections.py",
    "tests/engines/test_cassandra_read_models.py",
)
_SUMMARY = re.compile(r"(\d+) (passed|failed|error)")


async def run_suites(suites: Sequence[str]) -> Row:
    """Each store has three replicas, and every write and read a quorum of two."""
    found, counts = Findings(), dict[str, int]()
    async with three_nodes() as cluster:
        environment = {**os.environ, "HEADWATER_CASSANDRA": cluster.server.url, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider", *suites]
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT, cwd=ROOT, env=environment)
        assert process.stdout is not None
        async for line in process.stdout:
            text = line.decode().rstrip()
            if text.startswith(("FAILED", "ERROR")):
                found.other.append(text)
            counts = {what: int(count) for count, what in _SUMMARY.findall(text)} or counts
        if await process.wait() != 0 and not found.other:
            found.other.append(f"pytest ended with {process.returncode}")
    print(f"  {counts}")
    return row("Cassandra, three nodes: the suites of the engine", counts.get("passed", 0), 0, found)
