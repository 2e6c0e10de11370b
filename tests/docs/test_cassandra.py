"""The page on Cassandra: its cluster comes up, loses nodes and goes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from headwater.errors import ConfigurationError
from headwater.testing.servers import CassandraServer
from headwater.testing.servers.cassandra.jars import find_jars, find_java
from tests.engines.run_servers import absence

PAGE = (Path(__file__).parents[2] / "docs" / "cassandra.md").read_text(encoding="utf-8")
INTERPRETERS = {"bash": ["bash", "-ec"], "python": [sys.executable, "-W", "error", "-c"]}


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_the_blocks_run_as_they_stand() -> None:
    try:
        find_java(), find_jars()
    except ConfigurationError as error:
        raise absence("cassandra", str(error)) from None
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory(prefix="headwater-page-") as folder:
        Path(folder).chmod(0o711)  # the account of the server passes
        printed: list[str] = []
        try:
            for language, block in re.findall(r"```(bash|python)\n(.*?)```", PAGE, re.DOTALL):
                command = [*INTERPRETERS[language], block]
                done = subprocess.run(
                    command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, done.stdout + done.stderr
                printed.append(done.stdout)
        finally:
            CassandraServer(Path(folder) / "cluster").delete()
    assert "cassandra://127.0.0.2,127.0.0.3,127.0.0.4:" in printed[0]
    assert "cassandra is stopped" in printed[-1]
