"""The stores every scenario runs on, and the example's application."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from examples.users.__main__ import application
from headwater import CQRSManager


@pytest.fixture
async def cqrs(url: str) -> AsyncIterator[CQRSManager]:
    """The example's application, open."""
    async with application(url) as running:
        yield running
