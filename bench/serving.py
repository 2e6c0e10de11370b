"""Serving: how a peer's script is asked for runs. Only the standard library: it also runs on another Python."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable

__all__ = ["database", "serve", "serve_answers", "serve_async"]


_folder = tempfile.TemporaryDirectory(
    prefix="headwater-peer-", dir=os.environ.get("BENCH_DIR"), ignore_cleanup_errors=True
)


def database() -> str:
    """The path of a database file that is not there yet, on the benchmark's disk; gone when the process ends."""
    return os.path.join(tempfile.mkdtemp(dir=_folder.name), "peer.db")


def serve(version: str, run: Callable[[int], object], prepare: Callable[[], object] = lambda: None) -> None:
    """Say the version, then answer each number on standard input with the time `run(number)` took."""
    print(version, flush=True)
    for line in sys.stdin:
        operations = int(line)
        prepare()
        seconds, cpu = time.perf_counter(), time.process_time()
        run(operations)
        _answer(operations, time.perf_counter() - seconds, time.process_time() - cpu)


async def serve_async(version: str, run: Callable[[int], Awaitable[object]]) -> None:
    """As `serve`, on the running loop."""
    print(version, flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        operations = int(line)
        seconds, cpu = time.perf_counter(), time.process_time()
        await run(operations)
        _answer(operations, time.perf_counter() - seconds, time.process_time() - cpu)


def serve_answers(version: str, run: Callable[[int], object]) -> None:
    """As `serve`, for a run that measures itself: what it returns is the answer."""
    print(version, flush=True)
    for line in sys.stdin:
        print(json.dumps(run(int(line))), flush=True)


def _answer(operations: int, seconds: float, cpu: float) -> None:
    print(json.dumps([operations, seconds, cpu]), flush=True)
