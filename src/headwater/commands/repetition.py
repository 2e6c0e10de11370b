"""Repetition: what a handler raises the second time is not the outcome, the first time's is."""

from __future__ import annotations

from headwater.commands.context import CommandContext
from headwater.commands.fingerprint import fingerprint
from headwater.commands.replay import Replay
from headwater.domain.append import Appended
from headwater.domain.registry import Registry
from headwater.errors import AppendOutcomeUnknown, IdempotencyMismatch
from headwater.ports.command_log import CommandLog

__all__ = ["Repetition"]


class Repetition:
    """Knows the first outcome of a command whose id was committed before."""

    def __init__(self, command_log: CommandLog | None, replay: Replay | None, registry: Registry) -> None:
        self._command_log = command_log
        self._replay = replay
        self._registry = registry

    async def answer(self, context: CommandContext, command: object, error: Exception) -> object:
        """The first result of a repeated command whose handler has now raised; raises the error of any other.

        Asked only by the link around the handler: what a middleware refuses stays refused. Raises IdempotencyMismatch
        where the id was another command's.
        """
        id, log, replay = context.given_id, self._command_log, self._replay
        if id is None or log is None or replay is None or isinstance(error, AppendOutcomeUnknown):
            raise error
        record = await log.find(id)
        if record is None or record.error is not None:
            raise error
        if record.fingerprint != fingerprint(self._registry, command)[1]:
            raise IdempotencyMismatch(record.id) from error
        context.appended = Appended(record.writes, record)
        result, _ = await replay.outcome(record)
        return result
