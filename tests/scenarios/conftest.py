"""The stores every scenario runs on, and the example's application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from examples.users.__main__ import application
from headwater import CQRSManager

STORES = {"memory": "memory://", "memory-4": "memory://?partitions=4", "sqlite": "sqlite:///{folder}/store.db"}


@pytest.fixture(params=list(STORES.values()), ids=list(STORES))
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh store's URL: memory with 1 and 4 partitions, and SQLite."""
    template: str = request.param
    return template.format(folder=tmp_path)


@pytest.fixture
async def cqrs(url: str) -> AsyncIterator[CQRSManager]:
    """The example's application, open."""
    async with application(url) as running:
        yield running
