"""Opening a store: a schema becomes one, and any other is refused."""

from __future__ import annotations

import pytest

from headwater.engines.postgres import open_engine
from headwater.errors import StoreMismatch
from headwater.ports.engine import EngineOptions
from tests.engines.postgres.stores import select
from tests.engines.servers import fresh_database


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
async def test_a_database_that_cannot_hold_every_text_is_refused_unchanged(encoding: str) -> None:
    async with fresh_database(f"ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'") as url:
        with pytest.raises(StoreMismatch, match=f"text as {encoding}, not all of ours: make one of UTF8"):
            await open_engine(url, EngineOptions()).open()
        assert await select(url, "SELECT nspname FROM pg_namespace WHERE nspname = 'headwater'") == []
