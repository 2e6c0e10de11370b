"""Processes: a process of this machine with those it started, by their ids; without a library, on Linux and macOS."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from headwater.errors import StoreUnavailable

__all__ = ["command_of", "end", "freeze", "is_running", "kill", "thaw", "wait_until_gone", "with_children"]

_PROC: Final = Path("/proc/self/stat").exists()
_POLL_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 30.0


def is_running(pid: int) -> bool:
    """False too for one that has ended and that nobody has asked about yet."""
    state = _states().get(pid)
    return state is not None and state[1] != "Z"


def command_of(pid: int) -> str:
    """The words it was started with; empty if it is gone."""
    if not _PROC:
        return _ps("args=", "-p", str(pid)).strip()
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def with_children(pid: int) -> list[int]:
    """The process and all that descend from it, parents first."""
    states, found = _states(), [pid]
    for parent in found:  # grows while it is walked
        found += [child for child, (its_parent, _) in states.items() if its_parent == parent]
    return found


def freeze(pid: int) -> list[int]:
    """Stop them where they stand, the first one first, so that it starts no others; which they are."""
    _send(signal.SIGSTOP, [pid])
    family = with_children(pid)
    _send(signal.SIGSTOP, family)
    return family


def thaw(pid: int) -> None:
    """Let them go on."""
    _send(signal.SIGCONT, reversed(with_children(pid)))


def end(pids: Sequence[int]) -> None:
    """Ask them to end in good order, all at once; returns once they are gone, and those that they started."""
    families = [one for pid in pids for one in with_children(pid)]
    _send(signal.SIGTERM, pids)
    wait_until_gone(families)


def kill(pid: int) -> None:
    """End them all as a crash would, none in good order; returns once they are gone."""
    family = freeze(pid)
    _send(signal.SIGKILL, family)
    wait_until_gone(family)


def wait_until_gone(pids: Sequence[int]) -> None:
    """Return once none of them runs. Raises StoreUnavailable if that takes too long."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while left := [one for one in pids if is_running(one)]:
        if time.monotonic() > deadline:
            raise StoreUnavailable(f"processes {left} do not end: look at them with ps")
        time.sleep(_POLL_SECONDS)


def _send(number: signal.Signals, pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _states() -> dict[int, tuple[int, str]]:
    """Of every process, its parent and the letter of its state."""
    if _PROC:
        return dict(filter(None, map(_state, Path("/proc").glob("[0-9]*"))))
    rows = [line.split() for line in _ps("pid=,ppid=,state=", "-A").splitlines()]
    return {int(pid): (int(parent), state[0]) for pid, parent, state in rows}


def _state(folder: Path) -> tuple[int, tuple[int, str]] | None:
    try:
        fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()  # a name may hold anything
    except OSError:
        return None  # it has just ended
    return int(folder.name), (int(fields[1]), fields[0])


def _ps(columns: str, *which: str) -> str:
    return subprocess.run(["ps", "-o", columns, *which], capture_output=True, text=True, check=False).stdout
