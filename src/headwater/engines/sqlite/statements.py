"""Statements: the SQL beside this file, for one pair of table names."""

from __future__ import annotations

from typing import Final

from headwater.domain.identifier import Identifier
from headwater.engines.sql.statements import NamedStatements, SqlFiles

__all__ = ["Statements"]

_FILES: Final = SqlFiles("headwater.engines.sqlite")


class Statements(NamedStatements):
    """Every statement by the name of its file. Raises InvalidIdentifier for a name that is none."""

    def __init__(self, events: str, commands: str) -> None:
        super().__init__(_FILES, {"events": Identifier(events), "commands": Identifier(commands)})
