"""Attempts: the innermost link of a command's chain, which runs the handler, commits, and decides again."""

from __future__ import annotations

import asyncio
import random

from headwater.commands.committing import Committer
from headwater.commands.context import CommandContext, current_command
from headwater.errors import AppendOutcomeUnknown, CommandTimeout, WrongExpectedVersion
from headwater.ports.middleware import CallNext

__all__ = ["attempts", "within"]


def attempts(handler: CallNext, committer: Committer, tries: int) -> CallNext:
    """The handler, then the commit of what it staged; on a version conflict both again, `tries` times in all."""

    async def attempt(command: object) -> object:
        result = await handler(command)
        context = current_command.get()
        if context is None or (context.staged is None and context.given_id is None):
            return result
        left = tries
        while True:
            try:
                context.appended = await committer.commit_command(context, command, result)
            except WrongExpectedVersion as conflict:
                left -= 1
                if left < 1 or not context.has_loaded(conflict.stream):
                    raise  # a handler that did not look would only decide the same again
            else:
                return result
            context.staged = context.sent = None  # certainly not committed
            await asyncio.sleep(random.uniform(0, 0.002) * 2 ** (tries - left))  # noqa: S311  # jitter
            result = await handler(command)

    return attempt


async def within(seconds: float, chain: CallNext, command: object, running: CommandContext) -> object:
    """The chain's answer in so many seconds.

    Raises CommandTimeout if nothing was sent by then, AppendOutcomeUnknown if the store had not answered, or on a bus
    without a store, where the handler's repositories may have committed.
    """
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
