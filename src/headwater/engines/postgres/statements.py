"""Statements: the SQL beside this file, for one schema and pair of table names."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from headwater.domain.identifier import Identifier
from headwater.engines.sql.statements import NamedStatements, SqlFiles

__all__ = ["Statements"]

_FILES: Final = SqlFiles("headwater.engines.postgres")


class Statements(NamedStatements):
    """Every statement by the name of its file. Raises InvalidIdentifier for a name that is none."""

    def __init__(self, schema: str, events: str, commands: str) -> None:
        self.schema = f'"{Identifier(schema)}"'
        """As it stands in a statement."""
        self.events = str(events)
        """The name of the table of events."""
        self.engine = uuid4().hex
        """What tells this engine object from all others on the store."""
        names = {"schema": self.schema, "events": f'"{Identifier(events)}"', "commands": f'"{Identifier(commands)}"'}
        super().__init__(_FILES, names)
