"""Opens a store when it is told to, among others that do: prints its identity."""

from __future__ import annotations

import asyncio
import sys

from headwater.engines.postgres import open_engine
from headwater.ports.engine import EngineOptions


async def main(url: str) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    engine = open_engine(url, EngineOptions())
    identity = await engine.open()
    await engine.close()
    print(identity.store_id, identity.secret.hex())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
