"""Generator: rows of the same shape as the data set, for when it is not there. One seed gives one sequence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

__all__ = ["SEED", "generated_rows"]

SEED: Final = 20101201
_OPENING: Final = datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
_COUNTRIES: Final = ("United Kingdom", "Germany", "France", "EIRE", "Spain", "Netherlands", "Norway")
_WEIGHTS: Final = (91, 2, 2, 2, 1, 1, 1)
_COLOURS: Final = ("RED", "BLUE", "WHITE", "IVORY", "PINK")
_GOODS: Final = ("LANTERN", "TEACUP", "CUSHION", "BUNTING", "CLOCK", "DOORMAT", "CANDLE", "TRAY")


def generated_rows(seed: int = SEED) -> Iterator[list[str]]:
    """Rows in the order of `COLUMNS`, without end; any number of them is a prefix of any larger number."""
    random = Random(seed)
    line, number, now = 0, 536365, _OPENING
    while True:
        now += timedelta(minutes=random.randrange(1, 12))
        prefix = random.choices(("", "C", "A", "W"), (9_000, 800, 3, 200))[0]
        for row in _invoice(random, prefix, f"{prefix.replace('W', '')}{number}", now):
            line += 1
            yield [str(line), *row]
        number += 1


def _invoice(random: Random, kind: str, invoice: str, now: datetime) -> Iterator[list[str]]:
    customer = str(random.randrange(12_346, 18_288)) if kind in {"", "C"} and random.random() < 0.8 else ""
    country = random.choices(_COUNTRIES, _WEIGHTS)[0]
    lines = min(1 + int(random.expovariate(1 / 25)), 700) if kind == "" else random.randrange(1, 4)
    for each in range(lines):
        moment = now + timedelta(minutes=each // 400)  # a long invoice takes a while to write
        stock_code, description = _goods(random)
        quantity = 1 if kind == "A" else int(random.paretovariate(0.9)) % 5_000 + 1
        price = random.randrange(0, 2_000) / 100
        yield [
            invoice,
            "B" if kind == "A" else stock_code,
            description if kind in {"", "C"} else "Adjust bad debt" if kind == "A" else "damaged",
            str(-quantity if kind in {"C", "W"} else quantity),
            moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "-11062.06" if kind == "A" else "0.0" if kind == "W" else str(price),
            customer,
            country,
        ]


def _goods(random: Random) -> tuple[str, str]:
    """A stock code, few of them often and many seldom."""
    rank = min(int(random.paretovariate(0.35)), 4_000)
    return f"{20_000 + rank}{'A' if rank % 7 == 0 else ''}", f"{_COLOURS[rank % 5]} {_GOODS[rank % 8]}"
