"""Run servers: where a run of the tests finds a real server of an engine, started for it if none is named."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from headwater.errors import ConfigurationError, HeadwaterError
from tests.engines.server_guard import server_of

__all__ = ["absence", "stop_servers", "url_for_tests"]

ROOT = Path(__file__).parents[2]
REQUIRED = "HEADWATER_REQUIRE_ENGINES"

_guards: list[subprocess.Popen[bytes]] = []
"""Each removes a server when this process lets it, or is gone."""


def url_for_tests(engine: str) -> str:
    """What $HEADWATER_<ENGINE> says, else the URL of a server started for this run.

    Skips the test by name where there is none, or fails it where HEADWATER_REQUIRE_ENGINES names the engine.
    Blocks: on a loop, hand it to a thread.
    """
    variable = f"HEADWATER_{engine.upper()}"
    url = os.environ.get(variable) or _url_of_the_run(engine)
    if isinstance(url, ConfigurationError):
        raise absence(engine, f"{variable} names no server, and {url}")
    if isinstance(url, HeadwaterError):
        raise url
    return url


def stop_servers() -> None:
    """End what was started for this run."""
    while _guards:
        _guards.pop().communicate()


def absence(engine: str, reason: str) -> BaseException:
    """What ends a test that cannot have its server."""
    if engine in os.environ.get(REQUIRED, "").split(","):
        return pytest.fail.Exception(f"{REQUIRED} names {engine}, but {reason}", pytrace=False)
    return pytest.skip.Exception(reason)


@functools.cache
def _url_of_the_run(engine: str) -> str | HeadwaterError:
    """Started once; what keeps it from coming up is told to each test that asks."""
    folder = Path(tempfile.mkdtemp(prefix=f"headwater-{engine}-"))
    folder.chmod(0o711)  # the account of the server passes
    command = [sys.executable, "-m", "tests.engines.server_guard", engine, str(folder)]
    guard = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True)
    server = server_of(engine, folder)
    try:
        server.start()
    except HeadwaterError as error:
        guard.communicate()
        return error
    _guards.append(guard)
    return server.status().url
