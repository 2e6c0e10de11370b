"""Appends to accounts with an inline projection for ever, a line on standard output for each append that is done."""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from headwater.projections.lifecycle import inline
from tests.projections.accounts import Balances, Deposited, application, on_file, write


async def main(folder: Path) -> None:
    async with application(on_file(folder), inline(Balances())) as cqrs:
        for number in itertools.count():
            await write(cqrs, f"a{number % 3}", Deposited(amount=number))
            print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
