"""Attempts: the innermost link of a command's chain, which runs the handler, commits, and decides again."""

from __future__ import annotations

import asyncio
import random
from typing import cast

from headwater.commands.committing import Committer
from headwater.commands.context import CommandContext, current_command
from headwater.commands.queues import StreamQueues
from headwater.commands.repetition import Repetition
from headwater.errors import AppendOutcomeUnknown, BoundaryChanged, CommandTimeout, InvalidInput, WrongExpectedVersion
from headwater.ports.middleware import CallNext

__all__ = ["Attempts", "within"]


class Attempts:
    """The handler, then the commit of what it staged; on a version conflict both again, `tries` times in all.

    The first try waits for nobody. Further ones go one after the other where they contend for a stream, and a first
    one that meets such a queue joins it, so that contention within a process costs its commands time, not failures.
    """

    def __init__(self, committer: Committer, repetition: Repetition, tries: int) -> None:
        self._committer = committer
        self._repetition = repetition
        self._tries = tries
        self._queues = StreamQueues()

    def of(self, command_class: type, handler: CallNext) -> CallNext:
        """The link that runs this handler of a command."""
        queues = self._queues
        self._committer.results.expect(command_class, handler)

        async def attempt(command: object) -> object:
            context = current_command.get()
            if context is None:
                return await handler(command)
            try:
                result = await handler(command)
            except Exception as error:
                return await self._repetition.answer(context, command, error)
            if context.staged is None and context.given_id is None:
                return result
            stream = queues.met_by(context) if queues.waiting and self._tries > 1 else None
            if stream is None:
                try:
                    context.appended = await self._committer.commit_command(context, command, result)
                except (WrongExpectedVersion, BoundaryChanged) as conflict:
                    stream = queues.contended(conflict, context) if self._tries > 1 else None
                    if stream is None:
                        raise
                else:
                    return result
            context.start_over()  # certainly not committed
            async with queues.turn(stream, context):
                return await self._again(handler, context, command)

        return attempt

    async def _again(self, handler: CallNext, context: CommandContext, command: object) -> object:
        left = self._tries - 1
        while True:
            try:
                result = await handler(command)
            except Exception as error:
                return await self._repetition.answer(context, command, error)
            try:
                context.appended = await self._committer.commit_command(context, command, result)
            except (WrongExpectedVersion, BoundaryChanged) as conflict:
                left -= 1
                if left < 1 or self._queues.contended(conflict, context) is None:
                    raise
            else:
                return result
            context.start_over()
            await asyncio.sleep(random.uniform(0, 0.002) * 2 ** (self._tries - left))  # noqa: S311  # jitter


async def within(seconds: float, chain: CallNext, command: object, running: CommandContext) -> object:
    """The chain's answer in so many seconds.

    Raises InvalidInput for no number of seconds, CommandTimeout if nothing was sent by then, AppendOutcomeUnknown if
    the store had not answered, or on a bus without a store, where the handler's repositories may have committed.
    """
    if not isinstance(cast("object", seconds), int | float) or not seconds >= 0:  # NaN, too
        raise InvalidInput(f"timeout= is a number of seconds from 0, got {seconds!r}")
    running.timed = True
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await chain(command)
    except TimeoutError:
        if not limit.expired():
            raise  # the handler's own
        if running.sent is not None or not running.commits:
            raise AppendOutcomeUnknown(running.command_id) from None
        raise CommandTimeout(f"{seconds} s were not enough, nothing was committed: try again") from None
