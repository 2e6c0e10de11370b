"""Runs a suite on an engine without pytest around it, and tells which of its tests fail."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest

from headwater.ports.engine import Engine
from headwater.testing.clock import ManualClock
from headwater.testing.controls import Remark, Tally

__all__ = ["Reopen", "failures"]

Reopen: TypeAlias = Callable[[Engine], Awaitable[Engine]]


async def close_and_open(engine: Engine) -> Engine:
    await engine.close()
    await engine.open()
    return engine


async def failures(suite: type, make: Callable[[ManualClock], Engine], reopen: Reopen = close_and_open) -> set[str]:
    """The names of the suite's tests that fail; each runs on an engine of its own."""
    tests = [name for name, _ in inspect.getmembers(suite, inspect.iscoroutinefunction) if name.startswith("test_")]
    assert tests
    return {name for name in tests if not await _passes(suite, name, make, reopen)}


async def _passes(suite: type, name: str, make: Callable[[ManualClock], Engine], reopen: Reopen) -> bool:
    clock = ManualClock()
    engine = make(clock)
    fixtures = {"engine": engine, "clock": clock, "reopen": lambda: reopen(engine)}
    test = getattr(suite(), name)
    await engine.open()
    await engine.read_model_schema.ensure([Tally, Remark])
    try:
        async with asyncio.timeout(20):
            await test(**{wanted: fixtures[wanted] for wanted in inspect.signature(test).parameters})
    except (Exception, pytest.fail.Exception):  # whatever it is, it is a failure
        return False
    finally:
        await engine.close()
    return True
