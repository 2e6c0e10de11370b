"""CommandBus: finds the handler, runs it inside the middleware, commits once, retries conflicts."""

from __future__ import annotations

import contextvars
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar, cast, overload
from uuid import UUID

from headwater.commands.attempts import Attempts, within
from headwater.commands.committing import Committer
from headwater.commands.context import CommandContext, check_context, current_command
from headwater.commands.handler import command_routes
from headwater.commands.receipt import Receipt
from headwater.commands.repetition import Repetition
from headwater.commands.replay import Replay
from headwater.domain.append import Appended, CommandRecord, Written
from headwater.domain.identifier import check_id
from headwater.domain.messages import CommandLike, is_command, is_query
from headwater.domain.metadata import Context
from headwater.domain.registry import Registry
from headwater.domain.token import Token
from headwater.errors import (
    BadDeclaration,
    ConsistencyTimeout,
    DuplicateName,
    InvalidMessage,
    MissingHandler,
    StoreError,
    UnknownName,
)
from headwater.handling.chain import checked_middleware, compose
from headwater.handling.injection import Injector
from headwater.handling.returns import check_returns
from headwater.ports.command_log import CommandLog
from headwater.ports.middleware import CallNext, Middleware, Prepares, Startup

__all__ = ["CommandBus", "Waiter"]

R = TypeVar("R")
_enter, _leave, _NONE = current_command.set, current_command.reset, contextvars.Token.MISSING  # looked up once


class Waiter(Protocol):
    """Waits until projections have seen what a token names."""

    def check(self, projections: Sequence[object], timeout: float) -> Sequence[str]: ...

    async def wait(self, token: Token, projections: Sequence[object], timeout: float) -> None: ...


class CommandBus:
    """Executes commands.

    Handlers are functions or objects marked with `@handles`, `CommandHandler`s, or Deciders; a mapping names the
    command each is for, as in the seed: `CommandBus(handlers={"CreateUser": UserCommandHandler(...)})`. The first
    middleware is the outermost. Made by `CQRSManager` it has a store; alone it dispatches, and its handlers'
    repositories commit for themselves.

    `conflict_tries`: how often a command is decided in all while others write what it has read; 1: never again.

    Raises DuplicateName, BadSignature or MissingHandler while handlers are registered.
    """

    def __init__(
        self,
        handlers: Mapping[str, object] | Iterable[object] = (),
        middleware: Sequence[Middleware] = (),
        *,
        registry: Registry | None = None,
        injector: Injector | None = None,
        committer: Committer | None = None,
        command_log: CommandLog | None = None,
        replay: Replay | None = None,
        waiter: Waiter | None = None,
        conflict_tries: int = 3,
    ) -> None:
        self.registry = registry or Registry()
        self._middleware = checked_middleware(middleware)
        self._injector = injector or Injector()
        self._commits = committer is not None
        self._command_log = command_log
        self._replay = replay
        self._waiter = waiter
        self._store_id = ""
        self._nothing = Token("", ())
        self._silent: Receipt[object] = Receipt(None, (), self._nothing)
        tried = Repetition(command_log, replay, self.registry)
        self._attempts = None if committer is None else Attempts(committer, tried, _tries(conflict_tries))
        self._handlers: dict[type, Callable[..., Awaitable[object]]] = {}
        self._chains: dict[type, CallNext] = {}
        self._prepared = False
        if isinstance(handlers, Mapping):
            for name, handler in cast("Mapping[str, object]", handlers).items():
                self._register_named(name, handler)
        else:
            self.register(*handlers)

    def identify(self, store_id: str) -> None:
        """Name the store in tokens; called by the manager once the store is open."""
        self._store_id = store_id
        self._nothing = Token(store_id, ())
        self._silent = Receipt(None, (), self._nothing)

    # -- registering -----------------------------------------------------------

    def register(self, *handlers: object) -> None:
        """Add handlers; each command has exactly one."""
        for handler in handlers:
            routes = command_routes(handler)
            for message, function in routes:
                self.route(message, function, shared=sum(other == function for _, other in routes) > 1)

    @property
    def handled(self) -> tuple[type, ...]:
        """Every command class with a handler."""
        return tuple(self._handlers)

    def prepare(self) -> None:
        """Let the middleware check what it needs; called by the first execute, or at start-up by the manager."""
        startup = Startup(self.handled, self.registry, self._command_log)
        for link in self._middleware:
            if isinstance(link, Prepares):
                link.prepare(startup)
        self._prepared = True

    def _register_named(self, name: str, handler: object) -> None:
        routes = command_routes(handler)
        chosen = [(message, f) for message, f in routes if self._name(message) == name]
        if not chosen:
            raise MissingHandler(f"{handler!r} does not handle {name!r}, but {[m.__name__ for m, _ in routes]}")
        for message, function in chosen:
            self.route(message, function, shared=sum(other == function for _, other in routes) > 1)

    def _name(self, message: type) -> str:
        self.registry.register(message)
        return self.registry.name_of(message)

    def route(self, message: type, function: Callable[..., Awaitable[object]], shared: bool = False) -> None:
        """Let a function handle a command; `shared`: it handles others, too, and returns for each what that declares.

        Raises DuplicateName if it has a handler, BadSignature for one annotated to return something else.
        """
        check_returns(message, function, shared)
        self.registry.register(message)
        if message in self._handlers:
            raise DuplicateName(f"{message.__name__} has two handlers: keep one")
        bound = self._injector.bind(function, skip=1)
        self._handlers[message] = bound
        innermost = bound if self._attempts is None else self._attempts.of(message, bound)
        self._chains[message] = compose(self._middleware, innermost)
        self._prepared = False

    # -- executing -------------------------------------------------------------

    @overload
    async def execute(
        self,
        command: CommandLike[R],
        *,
        command_id: str | UUID | None = None,
        wait_for: Sequence[object] = (),
        wait_timeout: float = 5.0,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> Receipt[R]: ...

    @overload
    async def execute(
        self,
        command: Mapping[str, object],
        *,
        command_id: str | UUID | None = None,
        wait_for: Sequence[object] = (),
        wait_timeout: float = 5.0,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> Receipt[object]: ...

    async def execute(  # the overloads make these keyword-only; filling in positional defaults is faster
        self,
        command: CommandLike[R] | Mapping[str, object],
        command_id: str | UUID | None = None,
        wait_for: Sequence[object] = (),
        wait_timeout: float = 5.0,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> Receipt[R] | Receipt[object]:
        """Execute a command and return its receipt.

        `command_id` is the caller's, stable over retries: repeating it returns the first outcome. `wait_for` names
        projections that must have seen the events before this returns, within `wait_timeout` seconds. `timeout` bounds
        the execution in seconds. `context` says who sends it: principal, tenant, correlation, headers.

        Raises what the handler raises, UniqueKeyTaken, WrongExpectedVersion after the last try, IdempotencyMismatch,
        AppendOutcomeUnknown, CommandTimeout (certainly not committed), ConsistencyTimeout and ViewParked (committed).
        """
        if wait_for:  # nothing may be wrong with it once the command is committed
            self._waits().check(wait_for, wait_timeout)
        message: object = command
        chain = self._chains.get(type(message))
        if chain is None or not self._prepared:
            message, chain = self._find(message)
        running = CommandContext(self._commits)
        if command_id is not None:
            running.given_id = check_id(str(command_id), "command id")
        if context is not None:
            running.background = check_context(context, self.registry.limits)
        entered = _enter(running)
        try:
            outer = entered.old_value
            if outer is not _NONE and outer is not None:
                running.follow(outer, self.registry.limits.nested_commands)
            result = await chain(message) if timeout is None else await within(timeout, chain, message, running)
            if running.appended is not None:
                receipt = await self._receipt(result, running.appended, running)
            else:
                receipt = self._silent if result is None else Receipt(result, (), self._nothing)
        finally:
            _leave(entered)
            running.ended = True
        if wait_for:
            await self._see(receipt.token, wait_for, wait_timeout)
        return receipt

    async def _receipt(self, result: object, appended: Appended, running: CommandContext) -> Receipt[object]:
        if appended.replayed is not None:
            return await self._replayed(appended.replayed)
        events = tuple(running.staged.events) if running.staged is not None else ()
        return Receipt(result, events, self._token(appended.writes), running.command_id)

    async def _replayed(self, record: CommandRecord) -> Receipt[object]:
        assert self._replay is not None  # given with every committer
        result, events = await self._replay.outcome(record)
        return Receipt(result, events, self._token(record.writes), record.id, replayed=True)

    def _token(self, writes: Sequence[Written]) -> Token:
        return Token(self._store_id, tuple([(write.stream, write.last) for write in writes]))

    async def _see(self, token: Token, projections: Sequence[object], timeout: float) -> None:
        try:
            await self._waits().wait(token, projections, timeout)
        except StoreError as error:  # alone it would say that nothing was committed
            raise ConsistencyTimeout(token, ", ".join(self._waits().check(projections, timeout)), timeout) from error

    def _waits(self) -> Waiter:
        if self._waiter is None:
            raise MissingHandler("this bus runs alone and cannot wait for projections: use CQRSManager's")
        return self._waiter

    # -- messages that are not instances of a registered class -----------------

    def _find(self, command: object) -> tuple[object, CallNext]:
        if not self._prepared:
            self.prepare()
        if isinstance(command, Mapping):
            command = self._read(cast("Mapping[str, object]", command))
        message = type(command)
        if is_command(command):
            raise InvalidMessage(f"execute() got the class {command.__name__}: write {command.__name__}(...)")
        chain = self._chains.get(message)
        if chain is None and is_query(message):
            raise MissingHandler(f"{message.__name__} is a query: use queries.execute")
        if chain is None:
            raise MissingHandler(f"{message.__name__} has no handler: register one before executing it")
        return command, chain

    def _read(self, fields: Mapping[str, object]) -> object:
        name = fields.get("type")
        if not isinstance(name, str):
            raise InvalidMessage("a command written as a mapping names its type: {'type': 'CreateUser', ...}")
        try:
            message = self.registry.class_of(name)
        except UnknownName as error:
            raise InvalidMessage(str(error)) from None
        return self.registry.read(message, {key: value for key, value in fields.items() if key != "type"})


def _tries(given: int) -> int:
    if type(given) is not int or given < 1:
        raise BadDeclaration(f"conflict_tries= counts from 1, which is never again; got {given!r}")
    return given
