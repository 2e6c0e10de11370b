"""Together: some of many things at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Final, TypeVar

__all__ = ["all_of"]

T = TypeVar("T")
_AT_ONCE: Final = 64


async def all_of(works: Iterable[Awaitable[T]]) -> list[T]:
    """Their results in their order; raises one of their errors once each has come to its end, so that none goes on
    behind it."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def done(work: Awaitable[T]) -> T:
        async with room:
            return await work

    results = await asyncio.gather(*map(done, works), return_exceptions=True)
    failed = next((result for result in results if isinstance(result, BaseException)), None)
    if failed is not None:
        raise failed
    return [result for result in results if not isinstance(result, BaseException)]
