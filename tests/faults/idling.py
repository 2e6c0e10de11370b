"""idling: somebody begins a transaction, takes what everybody needs, and does nothing any more."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from headwater.domain.stream import StreamId
from headwater.engines.postgres import open_engine
from headwater.errors import HeadwaterError
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.controls import Tally, append_of, tally
from tests.faults.history import Findings
from tests.faults.postgres_servers import a_server, with_options
from tests.faults.report import Row, row

__all__ = ["stand_idle"]

LOCK_TIMEOUT = 2.0
TABLE = "conformance_tally"


async def stand_idle(rounds: int) -> Row:
    """Under the lock of a partition, with a row of a read model, in another database: each waits for no longer than
    the server lets a transaction stand idle, and none is refused."""
    found, waited = Findings(), [0.0, 0.0, 0.0]
    async with a_server() as server:
        engine = open_engine(with_options(server.url, partitions=1, lock_timeout=LOCK_TIMEOUT), EngineOptions())
        await engine.open()
        await engine.read_model_schema.ensure([Tally])
        for number in range(rounds):
            await engine.projections.write([tally("a", number)])
            begin = engine._events._appender._groups._transaction._locks.begin([0])
            schema = "headwater"
            idle = [
                (server.url, begin),
                (server.url, f"BEGIN; SELECT 1 FROM {schema}.{TABLE} WHERE name = 'a' FOR UPDATE"),
                (_of(server.url, "postgres"), "BEGIN; SELECT txid_current()"),
            ]
            for place, (url, statement) in enumerate(idle):
                waited[place] = max(waited[place], await _waited(engine, url, statement, number, found))
        await engine.close()
    print(
        f"  waited at most {waited[0]:.2f} s for a partition, {waited[1]:.2f} s for a row, "
        f"{waited[2]:.2f} s for another database"
    )
    return row(
        "who stands idle in a transaction stalls nobody for longer than its time-out", 3 * rounds, 3 * rounds, found
    )


async def _waited(engine: Engine, url: str, statement: str, number: int, found: Findings) -> float:
    """How long an append and a change of a row take beside a session that stands idle, as one of ours would."""
    half = str(round(LOCK_TIMEOUT * 500))
    idle = await asyncpg.connect(url, server_settings={"idle_in_transaction_session_timeout": half})
    await idle.execute(statement)
    began = time.monotonic()
    try:
        await engine.events.append(append_of(StreamId("idle", str(number))))
        await engine.projections.write([tally("a", number + 1)])
    except HeadwaterError as error:
        found.other.append(f"refused beside {statement[:60]}: {error}")
    seconds = time.monotonic() - began
    idle.terminate()
    await asyncio.sleep(0)
    return seconds


def _of(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
