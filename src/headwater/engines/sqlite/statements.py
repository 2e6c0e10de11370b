"""Statements: the SQL beside this file, read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from headwater.domain.identifier import Identifier

__all__ = ["Statements"]


def _read(folder: Traversable) -> dict[str, str]:
    """The files of a folder by name, without the lines that are comments."""
    return {
        file.name.removesuffix(".sql"): "\n".join(
            line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("--")
        ).strip()
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    }


_SQL: Final = files("headwater.engines.sqlite") / "sql"
_TEXTS: Final = _read(_SQL)
_MIGRATIONS: Final = [text for _, text in sorted(_read(_SQL / "migrations").items())]


class Statements(Mapping[str, str]):
    """Every statement by the name of its file, for one pair of table names, without its comments."""

    def __init__(self, events: str, commands: str) -> None:
        self._names = {"{events}": Identifier(events), "{commands}": Identifier(commands)}
        self._texts = {name: self._named(text) for name, text in _TEXTS.items()}

    @property
    def migrations(self) -> list[str]:
        """Scripts in the order they are run; the format of a store is how many it has seen."""
        return [self._named(text) for text in _MIGRATIONS]

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
