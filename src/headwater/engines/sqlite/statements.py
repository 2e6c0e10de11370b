"""Statements: the SQL beside this file, read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from headwater.domain.identifier import Identifier

__all__ = ["Statements"]

_SQL: Final = files("headwater.engines.sqlite") / "sql"


class Statements(Mapping[str, str]):
    """Every statement by the name of its file, for one pair of table names, without its comments."""

    def __init__(self, events: str, commands: str) -> None:
        self._names = {"{events}": Identifier(events), "{commands}": Identifier(commands)}
        self._texts = {name: self._named(text) for name, text in _texts("").items()}

    @property
    def migrations(self) -> list[str]:
        """Scripts in the order they are run; the format of a store is how many it has seen."""
        return [self._named(text) for _, text in sorted(_texts("migrations").items())]

    def __getitem__(self, name: str) -> str:
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def _named(self, text: str) -> str:
        for placeholder, name in self._names.items():
            text = text.replace(placeholder, name)
        return text


@cache
def _texts(folder: str) -> dict[str, str]:
    found = _SQL.joinpath(folder) if folder else _SQL
    return {file.name.removesuffix(".sql"): _text(file) for file in found.iterdir() if file.name.endswith(".sql")}


def _text(file: Traversable) -> str:
    lines = file.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--")).strip()
