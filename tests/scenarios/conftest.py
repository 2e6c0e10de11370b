"""The stores every scenario runs on, and the example's application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from examples.users.__main__ import application
from headwater import CQRSManager
from tests.stores import ENGINES


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> str:
    """A fresh store's URL on every engine."""
    return url_of(request.param)


@pytest.fixture
async def cqrs(url: str) -> AsyncIterator[CQRSManager]:
    """The example's application, open."""
    async with application(url) as running:
        yield running
