"""Statements: the SQL beside an engine, one statement a file, read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

__all__ = ["NamedStatements", "SqlFiles"]


class SqlFiles:
    """The texts of an engine's folder, by the names of their files, without the lines that are comments."""

    def __init__(self, package: str, kind: str = "sql") -> None:
        """`kind` is the name of the folder, and the ending of its files."""
        folder = files(package) / kind
        self.texts = _read(folder, kind)
        self.migrations = [text for _, text in sorted(_read(folder / "migrations", kind).items())]
        """Scripts in the order they are run."""


class NamedStatements(Mapping[str, str]):
    """Every statement by the name of its file, with the store's own names in the place of `{placeholders}`."""

    def __init__(self, sql: SqlFiles, names: Mapping[str, str]) -> None:
        self._files = sql
        self._names = {f"{{{placeholder}}}": name for placeholder, name in names.items()}
        self._texts = {name: self.named(text) for name, text in sql.texts.items()}

    @property
    def migrations(self) -> list[str]:
        """Scripts in the order they are run; the format of a store is how many it has seen."""
        return [self.named(text) for text in self._files.migrations]

    def named(self, text: str) -> str:
        """A text with this store's names."""
        for placeholder, name in self._names.items():
            text = text.replace(placeholder, name)
        return text

    def __getitem__(self, name: str) -> str:
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def _read(folder: Traversable, kind: str) -> dict[str, str]:
    return {
        file.name.removesuffix(f".{kind}"): "\n".join(
            line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("--")
        ).strip()
        for file in folder.iterdir()
        if file.name.endswith(f".{kind}")
    }
