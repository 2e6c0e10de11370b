"""Importing headwater costs no driver: an engine's driver and an extra are loaded only when they are asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

DRIVERS = ("acsylla", "apsw", "asyncpg", "cassandra", "confluent_kafka", "psycopg", "sqlite3")
EXTRAS = ("pydantic", "rich", "typer")


def loaded_by(module: str, names: tuple[str, ...] = DRIVERS + EXTRAS) -> list[str]:
    """Which of `names` a fresh interpreter holds after `import module`."""
    program = f"import sys, {module}; print(*(name for name in {names!r} if name in sys.modules))"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("module", ["headwater", "headwater.domain", "headwater.models", "headwater.ports"])
def test_an_import_loads_no_driver_and_no_extra(module: str) -> None:
    assert loaded_by(module) == []


def test_the_probe_sees_a_driver() -> None:
    assert loaded_by("apsw") == ["apsw"]
    assert "rich" in loaded_by("rich.progress")
