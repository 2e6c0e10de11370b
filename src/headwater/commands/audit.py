"""AuditMiddleware: refused commands go into the command log, too."""

from __future__ import annotations

import logging

import msgspec

from headwater.commands.context import current_command
from headwater.commands.fingerprint import fingerprint
from headwater.domain.append import CommandRecord
from headwater.domain.registry import Registry
from headwater.errors import AppendOutcomeUnknown, BadDeclaration, HeadwaterError
from headwater.ports.command_log import CommandLog
from headwater.ports.middleware import CallNext, Startup

__all__ = ["AuditMiddleware"]

_log = logging.getLogger("headwater.commands")


class AuditMiddleware:
    """Records refused and failed commands. Committed ones are recorded by their append, whatever happens here.

    Recording is after the fact and best effort: if it fails, a warning is logged and the command's own error
    reaches the caller. Put it first, so that it sees what the other middleware refuses.
    """

    def __init__(self) -> None:
        self._command_log: CommandLog | None = None
        self._registry = Registry()

    def prepare(self, startup: Startup) -> None:
        if startup.command_log is None:
            raise BadDeclaration("AuditMiddleware has no command log: give the bus command_log=, or use CQRSManager")
        self._command_log = startup.command_log
        self._registry = startup.registry

    async def __call__(self, message: object, call_next: CallNext) -> object:
        try:
            return await call_next(message)
        except AppendOutcomeUnknown:
            raise
        except Exception as error:
            await self._record(message, error)
            raise

    async def _record(self, message: object, error: Exception) -> None:
        running = current_command.get()
        if running is None or self._command_log is None:
            return
        try:
            name, digest = fingerprint(self._registry, message)
            record = CommandRecord(
                id=running.command_id,
                name=name,
                fingerprint=digest,
                error=f"{type(error).__name__}: {error}"[:2_000],
                principal=running.background.principal if running.background else None,
            )
            await self._command_log.record(record)
        except (HeadwaterError, msgspec.MsgspecError):
            _log.warning("a refused %s could not be recorded", type(message).__name__, exc_info=True)
