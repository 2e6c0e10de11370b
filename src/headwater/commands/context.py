"""CommandContext: what is known of the command being executed, and what it has staged to commit."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from uuid import UUID

import msgspec

from headwater.domain.append import Append, Appended, Check, Write
from headwater.domain.metadata import Context
from headwater.errors import BadDeclaration
from headwater.handling.ids import uuid7

__all__ = ["CommandContext", "Staged", "current_command"]


class Staged(msgspec.Struct):
    """What one attempt of a handler wants to commit."""

    writes: list[Write] = []
    checks: list[Check] = []
    events: list[object] = []
    """The domain events of the writes, decoded, in order."""
    published: list[tuple[str, object]] = []
    """Topic and event of what the handler published."""

    def stage(self, writes: Iterable[Write], checks: Iterable[Check], events: Iterable[object]) -> None:
        """Add an aggregate's events. A second save of the same stream joins the first.

        Raises BadDeclaration for a second stream: a command commits one append.
        """
        new = list(writes)
        if not self.writes:
            self.writes.extend(new)
        elif len(new) == len(self.writes) == 1 and new[0].stream == self.writes[0].stream:
            self.writes[0] = _joined(self.writes[0], new[0])
        else:
            raise BadDeclaration(
                f"a command commits one append: {self.writes[0].stream} is saved already; "
                "save several aggregates together with save_all(a, b)"
            )
        self.checks.extend(checks)
        self.events.extend(events)


class CommandContext(msgspec.Struct, gc=False):
    """One execution of a command: its id, who sent it, and what its handler has staged."""

    commits: bool
    """False on a bus without a store: its handlers' repositories commit for themselves."""
    background: Context | None = None
    given_id: str | None = None
    """The id the caller chose, by which a repetition is recognised."""
    staged: Staged | None = None
    loaded: dict[str, tuple[int, list[object]]] | None = None
    """Streams loaded by this command: version and decoded events, so that a retry reads only what is new."""
    sent: Append | None = None
    """The append handed to the store: from here on a lost answer means an unknown outcome."""
    appended: Appended | None = None
    made_id: str | None = None

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

    def staging(self) -> Staged | None:
        """Where saves and publications go while a handler runs; None if they are to happen at once."""
        if self.staged is None and self.commits:
            self.staged = Staged()
        return self.staged

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


def _joined(first: Write, second: Write) -> Write:
    return msgspec.structs.replace(
        first,
        events=first.events + second.events,
        claims=first.claims + second.claims,
        releases=first.releases + second.releases,
    )
