"""Peer: another project's library in a process of its own, asked for one run after the other; or we ourselves in one.

The program gets a line with a number of operations and answers with one sample as JSON.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from bench.machine import ROOT, folder
from bench.rounds import Sample

__all__ = ["Peer", "peer", "program", "python_3_13"]

S = TypeVar("S")

PEERS_3_13 = ROOT / ".venv-peers-3.13"


class Peer:
    """A running program; `run(n)` has it do n operations."""

    def __init__(self, process: subprocess.Popen[bytes], version: str) -> None:
        self._process = process
        self.version = version

    def run(self, operations: int) -> Sample:
        """Raises RuntimeError if the program has ended."""
        return self.ask(operations, Sample)

    def ask(self, operations: int, answer: type[S]) -> S:
        """As `run`, for programs that answer with something else."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{operations}\n".encode())
        self._process.stdin.flush()
        return msgspec.json.decode(self._answer(), type=answer)

    def _answer(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a program of the benchmarks ended: {self._process.args!r}")
        return line


def peer(script: str, *arguments: str, python: str = sys.executable) -> AbstractContextManager[Peer]:
    """Start `bench/peers/<script>.py`; it ends with the block."""
    return program(f"bench.peers.{script}", *arguments, python=python)


@contextmanager
def program(module: str, *arguments: str, python: str = sys.executable) -> Iterator[Peer]:
    """Start a module; it ends with the block."""
    command = [python, "-m", module, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BENCH_DIR": str(folder())}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment) as process:
        try:
            assert process.stdout is not None
            version = process.stdout.readline().decode().strip()
            if not version:
                raise RuntimeError(f"{module} did not start: see above")
            yield Peer(process, version)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def python_3_13() -> str | None:
    """The Python that has eventsource-py; None where the set-up found no Python 3.13."""
    python = Path(PEERS_3_13, "bin", "python")
    return str(python) if python.exists() else None
