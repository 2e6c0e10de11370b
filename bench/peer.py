"""Peer: another project's library in a process of its own, asked for one run after the other.

The script in `bench/peers/` gets a line with a number of operations and answers with one sample as JSON.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.machine import ROOT, folder
from bench.rounds import Sample

__all__ = ["Peer", "peer", "python_3_13"]

PEERS_3_13 = ROOT / ".venv-peers-3.13"


class Peer:
    """A running script; `run(n)` has it do n operations."""

    def __init__(self, process: subprocess.Popen[bytes], version: str) -> None:
        self._process = process
        self.version = version

    def run(self, operations: int) -> Sample:
        """Raises RuntimeError if the script has ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{operations}\n".encode())
        self._process.stdin.flush()
        return msgspec.json.decode(self._answer(), type=Sample)

    def _answer(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a peer's script ended: {self._process.args!r}")
        return line


@contextmanager
def peer(script: str, *arguments: str, python: str = sys.executable) -> Iterator[Peer]:
    """Start `bench/peers/<script>.py`; it ends with the block."""
    command = [python, "-m", f"bench.peers.{script}", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BENCH_DIR": str(folder())}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment) as process:
        try:
            assert process.stdout is not None
            version = process.stdout.readline().decode().strip()
            if not version:
                raise RuntimeError(f"bench/peers/{script}.py did not start: see above")
            yield Peer(process, version)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def python_3_13() -> str | None:
    """The Python that has eventsource-py; None where the set-up found no Python 3.13."""
    python = Path(PEERS_3_13, "bin", "python")
    return str(python) if python.exists() else None
