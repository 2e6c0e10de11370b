"""Machine: where and with what the figures were measured."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import apsw

__all__ = ["folder", "machine"]

PACKAGES = ("headwater", "apsw", "asyncpg", "msgspec", "eventsourcing", "psycopg", "mediatr", "python-cqrs", "waku")
ROOT = Path(__file__).parents[1]


def folder() -> Path:
    """Where the databases of this run lie: BENCH_DIR, or the machine's temporary folder; use a real disk."""
    return Path(os.environ.get("BENCH_DIR") or tempfile.gettempdir())


def machine() -> dict[str, object]:
    """The header of a report."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "cpu": _cpu(),
        "cpus": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "file_system": _file_system(folder()),
        "fsync_micros": round(_fsync_micros(), 1),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def _commit() -> str | None:
    command = ["git", "describe", "--always", "--dirty"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _file_system(path: Path) -> str:
    """The type of the file system under a folder, where the machine tells."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return "unknown"
    fitting = [(mount, kind) for mount, kind in mounts if path.resolve().is_relative_to(mount)]
    return max(fitting, key=lambda found: len(found[0]))[1] if fitting else "unknown"


def _fsync_micros() -> float:
    """The median cost of making 4 KiB durable."""
    costs: list[float] = []
    with tempfile.NamedTemporaryFile(dir=folder()) as file:
        for _ in range(64):
            file.write(bytes(4096))
            file.flush()
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            costs.append(time.perf_counter() - started)
    return 1e6 * sorted(costs)[len(costs) // 2]
