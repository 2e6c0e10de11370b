"""Statements: the CQL beside this file, for one keyspace and pair of table names."""

from __future__ import annotations

from typing import Final

from headwater.domain.identifier import Identifier
from headwater.engines.sql.statements import NamedStatements, SqlFiles

__all__ = ["Statements"]

_FILES: Final = SqlFiles("headwater.engines.cassandra", "cql")


class Statements(NamedStatements):
    """Every statement by the name of its file. Raises InvalidIdentifier for a name that is none."""

    def __init__(self, keyspace: str, events: str, commands: str) -> None:
        self.keyspace = space = f'"{Identifier(keyspace)}"'
        """As it stands in a statement."""
        names = {"keyspace": space, "events": f'{space}."{Identifier(events)}"'}
        super().__init__(_FILES, {**names, "commands": f'{space}."{Identifier(commands)}"'})
