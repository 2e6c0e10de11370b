"""AuthorizationMiddleware: who may send which command. Closed unless a policy opens it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from headwater.commands.context import current_command
from headwater.domain.metadata import NO_CONTEXT, Context
from headwater.errors import BadSignature, MissingHandler, MissingPolicy, NotAuthorized
from headwater.ports.middleware import CallNext, Startup

__all__ = ["AuthorizationMiddleware", "Policy", "allow"]

Policy: TypeAlias = Callable[..., bool | Awaitable[bool]]
"""Called with the message and the sender's `Context` (principal, tenant, headers); only True lets it pass."""


def allow(message: object, context: Context) -> bool:
    """The policy for commands anyone may send."""
    return True


class AuthorizationMiddleware:
    """Asks the policy of the message's class; anything but True is NotAuthorized.

    Raises MissingPolicy at start-up for a handled command without a policy, MissingHandler for a policy without a
    handled command: neither is ever found out by an attacker first.
    """

    def __init__(self, policies: Mapping[type | str, Policy]) -> None:
        self._named = dict(policies)
        self._policies: dict[type, Policy] = {}

    def prepare(self, startup: Startup) -> None:
        self._policies = {
            startup.registry.class_of(key) if isinstance(key, str) else key: _checked(policy)
            for key, policy in self._named.items()
        }
        for message in startup.handled:
            if message not in self._policies:
                raise MissingPolicy(f"{message.__name__} has no policy: add one to policies=, or `allow` it")
        for message in self._policies.keys() - set(startup.handled):
            raise MissingHandler(f"AuthorizationMiddleware has a policy for {message.__name__}, which has no handler")

    async def __call__(self, message: object, call_next: CallNext) -> object:
        policy = self._policies.get(type(message))
        running = current_command.get()
        context = (running.background if running is not None else None) or NO_CONTEXT
        answer = policy(message, context) if policy is not None else False
        if inspect.isawaitable(answer):
            answer = await answer
        if answer is not True:
            raise NotAuthorized(f"{context.principal or 'an unnamed principal'} may not send {type(message).__name__}")
        return await call_next(message)


def _checked(policy: Policy) -> Policy:
    if not callable(policy):
        raise BadSignature(f"a policy is a function of message and context, got {policy!r}")
    return policy
