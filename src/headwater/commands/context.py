"""CommandContext: what is known of the command being executed, and what it has staged to commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import Final
from uuid import UUID, uuid5

import msgspec

from headwater.domain.append import Append, Appended, Check, Write
from headwater.domain.boundary import Boundary, Mark
from headwater.domain.identifier import check_id
from headwater.domain.metadata import Context
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion, Exact
from headwater.errors import BadDeclaration, InvalidInput, LimitExceeded
from headwater.handling.ids import uuid7
from headwater.limits import Limits

__all__ = ["CommandContext", "Staged", "check_context", "current_command"]

_INNER: Final = UUID("6f1c5d0e-3a0b-5c57-9a51-0d5b7c1f4e2a")
"""The namespace of the ids of inner commands (RFC 9562 §5.5)."""


class Staged(msgspec.Struct):
    """What one attempt of a handler wants to commit."""

    writes: list[Write] = []
    checks: list[Check] = []
    events: list[object] = []
    """The domain events of the writes, decoded, in order."""
    published: list[tuple[str, object]] = []
    """Topic and event of what the handler published."""
    conditions: dict[Boundary, Mark] = {}
    """What the decision was based on, and how far it was read when it was looked at first."""

    def stage(self, writes: Iterable[Write], checks: Iterable[Check], events: Iterable[object]) -> None:
        """Add an aggregate's events. A second save of the same stream joins the first.

        Raises BadDeclaration for a second stream: a command commits one append.
        """
        new = list(writes)
        if not self.writes:
            self.writes.extend(new)
        elif len(new) == len(self.writes) == 1 and new[0].stream == self.writes[0].stream:
            self.writes[0] = _joined(self.writes[0], new[0])
        elif new:
            raise BadDeclaration(
                f"a command commits one append: {self.writes[0].stream} is saved already; "
                "save several aggregates together with save_all(a, b)"
            )
        self.checks.extend(checks)
        self.events.extend(events)

    def add(self, write: Write, events: Sequence[object]) -> None:
        """Add events of a stream, whatever else is staged: all of it is one append."""
        end = 0
        for index, before in enumerate(self.writes):
            end += len(before.events)
            if before.stream == write.stream:
                self.writes[index] = _joined(before, write)
                self.events[end:end] = events
                return
        self.writes.append(write)
        self.events.extend(events)

    def events_within(self, boundary: Boundary) -> list[object]:
        """The staged events within a boundary, decoded, in order."""
        encoded = [event for write in self.writes for event in write.events]
        return [
            event
            for stored, event in zip(encoded, self.events, strict=True)
            if boundary.matches(stored.type, stored.tags)
        ]

    def events_of(self, stream: StreamId) -> list[object]:
        """The domain events staged for a stream, decoded, in order."""
        start = 0
        for write in self.writes:
            if write.stream == stream:
                return self.events[start : start + len(write.events)]
            start += len(write.events)
        return []


class CommandContext(msgspec.Struct, gc=False):
    """One execution of a command: its id, who sent it, and what its handler has staged."""

    commits: bool
    """False on a bus without a store: its handlers' repositories commit for themselves."""
    background: Context | None = None
    given_id: str | None = None
    """The id by which a repetition is recognised: the caller's, or one that follows from the outer command's."""
    depth: int = 1
    """Of commands executed by handlers of commands."""
    staged: Staged | None = None
    loaded: dict[str, tuple[int, list[object]]] | None = None
    """Streams loaded by this command: version and decoded events, so that a retry reads only what is new."""
    boundaries: dict[Boundary, tuple[Mark, list[object]]] | None = None
    """Boundaries folded by this command: how far, and the decoded events, so that a retry reads only what is new."""
    sent: Append | None = None
    """The append handed to the store: from here on a lost answer means an unknown outcome."""
    appended: Appended | None = None
    made_id: str | None = None
    inner: int = 0
    """Commands executed by this attempt of the handler."""
    has_turn: bool = False
    """True while this command, or one around it, has its turn among those that contend for a stream."""
    timed: bool = False
    """True where this command, or one around it, is executed with a timeout."""
    ended: bool = False
    """True once the execution is over; tasks its handler left behind still see it."""

    @property
    def command_id(self) -> str:
        """The caller's id, or one made when first asked for."""
        if self.given_id is not None:
            return self.given_id
        if self.made_id is None:
            self.made_id = str(UUID(bytes=uuid7()))
        return self.made_id

    def recall(self, stream: str) -> tuple[int, list[object]]:
        """The version and the events that this command has read of a stream; 0 and none before."""
        return (0, []) if self.loaded is None else self.loaded.get(stream, (0, []))

    def remember(self, stream: str, version: int, events: list[object]) -> None:
        """Keep what was read of a stream for a retry."""
        if self.loaded is None:
            self.loaded = {}
        self.loaded[stream] = version, events

    def has_loaded(self, stream: str) -> bool:
        """True if the handler has read this stream."""
        return self.loaded is not None and stream in self.loaded

    def recall_boundary(self, boundary: Boundary) -> tuple[Mark, list[object]]:
        """How far this command has read a boundary, and the events; the start and none before."""
        return (Mark(), []) if self.boundaries is None else self.boundaries.get(boundary, (Mark(), []))

    def remember_boundary(self, boundary: Boundary, mark: Mark, events: list[object]) -> None:
        """Keep what was read of a boundary for a retry."""
        if self.boundaries is None:
            self.boundaries = {}
        self.boundaries[boundary] = mark, events

    def staging(self) -> Staged | None:
        """Where saves and publications go while a handler runs; None if they are to happen at once."""
        if not self.commits or self.ended or self.sent is not None:
            return None
        if self.staged is None:
            self.staged = Staged()
        return self.staged

    def follow(self, outer: CommandContext, limit: int) -> None:
        """Be executed by the handler of another command: what caused that caused this, in the name of its sender.

        Without an id of its own it is the n-th command of the outer: where the outer handler runs again, after a
        conflict or for a repeated id, the n-th finds its first outcome.

        Raises LimitExceeded where more than `limit` commands run one inside the other.
        """
        self.depth = 1 if outer.ended else outer.depth + 1
        if self.depth > limit:
            raise LimitExceeded("the number of commands executed by one another's handlers", self.depth, limit)
        self.has_turn, self.timed = outer.has_turn, outer.timed and not outer.ended
        if self.given_id is None and self.commits and outer.commits and not outer.ended:
            self.given_id = outer.next_inner_id()
        above, own = outer.event_context(), self.background
        self.background = msgspec.structs.replace(
            above if own is None else own,
            correlation_id=(own and own.correlation_id) or above.correlation_id,
            causation_id=(own and own.causation_id) or above.command_id,
        )

    def next_inner_id(self) -> str:
        """The id of the next command that this attempt executes: the same in every attempt."""
        self.inner += 1
        return str(uuid5(_INNER, f"{self.command_id}/{self.inner}"))

    def start_over(self) -> None:
        """Forget what this attempt has staged and executed, and certainly not committed."""
        self.staged = self.sent = None
        self.inner = 0

    def staged_events(self, stream: StreamId) -> Sequence[object]:
        """The events of a stream that this command has decided and not yet committed."""
        if self.staged is None or self.ended or self.sent is not None:
            return ()
        return self.staged.events_of(stream)

    def event_context(self) -> Context:
        """What is stored with every event of this command."""
        background = self.background
        if background is None:
            return Context(command_id=self.command_id, correlation_id=self.command_id)
        return msgspec.structs.replace(
            background,
            command_id=self.command_id,
            correlation_id=background.correlation_id or self.command_id,
        )


current_command: ContextVar[CommandContext | None] = ContextVar("headwater_current_command", default=None)
"""The command being executed in this task; None outside a handler."""


def check_context(context: object, limits: Limits) -> Context:
    """The context unchanged; what comes from outside goes into logs, headers and every event.

    Raises InvalidInput for what is no Context, InvalidId for a field or header that is no clean text (newlines are
    none), LimitExceeded for a long one and for a context larger than `limits.metadata_bytes` in all.
    """
    if not isinstance(context, Context):
        raise InvalidInput(f"context= takes a Context(principal=...), got {context!r}")
    for what in ("correlation_id", "causation_id", "principal", "tenant"):
        value: str | None = getattr(context, what)
        if value is not None:
            check_id(value, f"{what} of the context", limits.id_bytes)
    for name, text in context.headers.items():
        check_id(name, "header name", limits.id_bytes)
        if text != "":
            check_id(text, f"header {name}", limits.id_bytes)
    if (size := len(msgspec.json.encode(context))) > limits.metadata_bytes:
        raise LimitExceeded("context in bytes", size, limits.metadata_bytes)
    return context


def _joined(first: Write, second: Write) -> Write:
    expected = first.expected
    if expected == AnyVersion() and isinstance(second.expected, Exact):
        expected = Exact(second.expected.version - len(first.events))
    elif isinstance(expected, Exact) and second.expected not in (
        AnyVersion(),
        Exact(expected.version + len(first.events)),
    ):
        raise BadDeclaration(
            f"two copies of {first.stream} were changed by one command: load it after it was saved, or once"
        )
    return msgspec.structs.replace(
        first,
        expected=expected,
        events=first.events + second.events,
        claims=first.claims + second.claims,
        releases=first.releases + second.releases,
    )
