"""Every error headwater raises: one tree, typed, with what to do next in the message.

HeadwaterError
├── DomainError                    a rejection by the user's own rules; derive yours from it
│   ├── AggregateNotFound
│   └── UniqueKeyTaken
├── InvalidInput                   the caller's value is refused before anything is written
│   ├── InvalidIdentifier          a name (category, model, field, table, type)
│   ├── InvalidId                  a stream id, command id, header, unique key
│   ├── InvalidVersion             an expected version, offset or limit
│   ├── InvalidMessage             a command, query, event or row that does not fit its declaration
│   ├── InvalidCriteria            criteria, order, page, pipeline or boundary
│   ├── InvalidCursor              a page cursor that was forged, changed or made for another query
│   ├── InvalidToken               a token that was forged, changed or made by another store
│   ├── NotCommutative             a projection that declares to accumulate only makes another change
│   ├── NotOwner                   this read model is written by a projection, not by the caller
│   ├── NotStored                  this read model is computed on demand, and cannot be queried
│   └── LimitExceeded              larger than `Limits` allows
├── AppendRejected                 certainly not committed
│   ├── WrongExpectedVersion
│   ├── BoundaryChanged            an event within what the decision was based on
│   ├── IdempotencyMismatch        this command id was used with another payload
│   ├── DuplicateEventId
│   └── ImportRefused              a copy of events that does not fit what is there
├── AppendOutcomeUnknown           committed or not: ask again with the same command id
├── CommandTimeout                 the time ran out before anything was committed
├── StoreError                     the engine cannot do it now
│   ├── StoreBusy
│   ├── StorageFull
│   ├── StoreReadOnly
│   ├── StoreUnavailable
│   ├── StoreClosed
│   ├── StoreCorrupt
│   ├── StoreMismatch              another store, or another layout, than the one asked for
│   └── FormatTooNew
├── ConfigurationError             found at class creation or start-up, never later
│   ├── DuplicateName
│   ├── MissingHandler
│   ├── MissingPolicy
│   ├── BadSignature
│   ├── BadDeclaration
│   ├── UnknownName
│   ├── UnknownEngine
│   └── MissingExtra
├── DecodingError                  stored data that cannot be read back
│   └── UnknownEventType
├── Refused                        a middleware said no
│   ├── ValidationFailed
│   └── NotAuthorized
└── ProjectionError
    ├── CheckpointConflict         somebody else moved the checkpoint; nothing was written
    ├── CheckpointAheadOfLog
    ├── LeaseLost
    ├── HandlerExited              a handler raised SystemExit or the like: its projection gave up
    ├── InlineHandlerFailed        a projection in the append's transaction refused the append
    ├── InlineHandlerSuspended     an inline handler awaited what is not of the append's transaction
    ├── PageUnfinished             an event that was handled before its worker died fails now: it waits
    ├── ParkingFull                no more keys can be parked: this one waits where it is
    ├── ProjectionOutdated         a later version of this projection is served
    ├── ProjectionStopped          an event at which the projection declares to stand still
    ├── RebuildRefused
    ├── ResetRefused
    ├── SnapshotUnusable           a snapshot of read models that is damaged, or of other code
    ├── ConsistencyTimeout
    ├── ViewNotReady               the version of this read model that this release reads is still being built
    └── ViewParked
"""

from __future__ import annotations

__all__ = [
    "AggregateNotFound",
    "AppendOutcomeUnknown",
    "AppendRejected",
    "BadDeclaration",
    "BadSignature",
    "BoundaryChanged",
    "CheckpointAheadOfLog",
    "CheckpointConflict",
    "CommandTimeout",
    "ConfigurationError",
    "ConsistencyTimeout",
    "DecodingError",
    "DomainError",
    "DuplicateEventId",
    "DuplicateName",
    "FormatTooNew",
    "HandlerExited",
    "HeadwaterError",
    "IdempotencyMismatch",
    "ImportRefused",
    "InlineHandlerFailed",
    "InlineHandlerSuspended",
    "InvalidCriteria",
    "InvalidCursor",
    "InvalidId",
    "InvalidIdentifier",
    "InvalidInput",
    "InvalidMessage",
    "InvalidToken",
    "InvalidVersion",
    "LeaseLost",
    "LimitExceeded",
    "MissingExtra",
    "MissingHandler",
    "MissingPolicy",
    "NotAuthorized",
    "NotCommutative",
    "NotOwner",
    "NotStored",
    "PageUnfinished",
    "ParkingFull",
    "ProjectionError",
    "ProjectionOutdated",
    "ProjectionStopped",
    "RebuildRefused",
    "Refused",
    "ResetRefused",
    "SnapshotUnusable",
    "StorageFull",
    "StoreBusy",
    "StoreClosed",
    "StoreCorrupt",
    "StoreError",
    "StoreMismatch",
    "StoreReadOnly",
    "StoreUnavailable",
    "UniqueKeyTaken",
    "UnknownEngine",
    "UnknownEventType",
    "UnknownName",
    "ValidationFailed",
    "ViewNotReady",
    "ViewParked",
    "WrongExpectedVersion",
]


class HeadwaterError(Exception):
    """The root of every error this library raises."""


# -- the user's domain ---------------------------------------------------------


class DomainError(HeadwaterError):
    """A command refused by the domain's own rules. Derive yours from it; it is recorded in the command log."""


class AggregateNotFound(DomainError):
    """`Repository.load` found no events for this id; `get_by_id` returns None instead."""

    def __init__(self, stream: str) -> None:
        super().__init__(f"no events in stream {stream!r}: create the aggregate first, or use get_by_id for None")
        self.stream = stream


class UniqueKeyTaken(DomainError):
    """Another stream holds this unique key. Certainly not committed."""

    def __init__(self, scope: str, value: str, holder: str) -> None:
        super().__init__(f"the {scope} {value!r} is already taken")
        self.scope = scope
        self.value = value
        self.holder = holder
        """The stream that holds it; not in the message, which may reach a user."""


# -- the caller's input --------------------------------------------------------


class InvalidInput(HeadwaterError, ValueError):
    """A value is refused before anything is written."""


class InvalidIdentifier(InvalidInput):
    """A name does not have the form names must have."""


class InvalidId(InvalidInput):
    """An id is empty, too long, or holds characters no id may hold."""


class InvalidVersion(InvalidInput):
    """An expected version, offset or limit is not a whole number in range."""


class InvalidMessage(InvalidInput):
    """A command, query, event or row does not fit its declaration."""


class InvalidCriteria(InvalidInput):
    """Criteria, an order, a page size, a pipeline stage or a boundary cannot be understood."""


class InvalidCursor(InvalidInput):
    """A page cursor was forged, changed, or made for another query: ask for the first page again."""


class InvalidToken(InvalidInput):
    """A token was forged, changed, or made by another store: use the token of a receipt."""


class NotOwner(InvalidInput):
    """A read model is written by the projection that declares `writes=[it]`, and by nobody else."""


class NotStored(InvalidInput):
    """Rows of this read model are computed on demand: use fetch_latest, or register its fold without live()."""


class NotCommutative(InvalidInput):
    """A projection that declares `commutative=True` only accumulates: views.add, views.max, views.min."""


class LimitExceeded(InvalidInput):
    """Larger than `Limits` allows."""

    def __init__(self, what: str, size: int, limit: int) -> None:
        super().__init__(f"{what} is {size:,}, the limit is {limit:,}: make it smaller or raise the limit in Limits")
        self.what = what
        self.size = size
        self.limit = limit


# -- the append ----------------------------------------------------------------


class AppendRejected(HeadwaterError):
    """Certainly not committed."""


class WrongExpectedVersion(AppendRejected):
    """The stream is not at the version the append expects: load it again and decide again."""

    def __init__(self, stream: str, expected: object, actual: int) -> None:
        super().__init__(
            f"stream {stream!r} is at version {actual}, expected {expected}: load it again and decide again"
        )
        self.stream = stream
        self.expected = expected
        self.actual = actual


class BoundaryChanged(AppendRejected):
    """An event within a boundary was committed after it was read: read it again and decide again."""

    def __init__(self, alternative: str, tags: tuple[str, ...]) -> None:
        super().__init__(f"an event of {alternative} was committed since it was read: read it again and decide again")
        self.tags = tags
        """Of the first alternative of the boundary that changed."""


class IdempotencyMismatch(AppendRejected):
    """This command id was used before with another payload: use a fresh id for a new command."""

    def __init__(self, command_id: str) -> None:
        super().__init__(f"command id {command_id!r} was used with another payload: use a fresh id for a new command")
        self.command_id = command_id


class DuplicateEventId(AppendRejected):
    """An event id of this append is already in the log, or twice in the append."""

    def __init__(self, event_id: str) -> None:
        super().__init__(f"event id {event_id} is already used: let headwater choose event ids")
        self.event_id = event_id


class ImportRefused(AppendRejected):
    """Events of another store that do not follow on, or differ from, what is here: nothing of the import is kept."""


class AppendOutcomeUnknown(HeadwaterError):
    """Committed or not, it cannot be said: execute again with the same command id to learn the outcome."""

    def __init__(self, command_id: str | None = None) -> None:
        super().__init__(
            f"the append of command {command_id!r} may or may not be committed: "
            "execute it again with the same command id to learn the outcome"
        )
        self.command_id = command_id


class CommandTimeout(HeadwaterError, TimeoutError):
    """The time given to a command ran out before its append was sent: certainly not committed."""


# -- the store -----------------------------------------------------------------


class StoreError(HeadwaterError):
    """The engine cannot do it now. Nothing was committed."""


class StoreBusy(StoreError):
    """The queue is full, or another process holds the store's lock: try again later, with fewer at once."""


class StorageFull(StoreError):
    """No room on the disk: free some, then go on. What was acknowledged is safe."""


class StoreReadOnly(StoreError):
    """The file or its folder cannot be written: check its permissions and the mount."""


class StoreUnavailable(StoreError):
    """The store cannot be opened or reached: check the URL, the path and its permissions."""


class StoreClosed(StoreError):
    """The store is closed: open it with `async with` or `initialize()` first."""


class StoreCorrupt(StoreError):
    """Stored bytes do not match their checksum: run `headwater verify` and restore from a backup."""


class StoreMismatch(StoreError):
    """This is another store, or laid out otherwise, than the one asked for: check the URL and the names."""


class FormatTooNew(StoreError):
    """The store was written by a later release, and this one cannot run on it: upgrade headwater before opening it."""


# -- configuration -------------------------------------------------------------


class ConfigurationError(HeadwaterError):
    """A mistake in declarations or wiring, found at class creation or start-up."""


class DuplicateName(ConfigurationError):
    """Two things of one name: rename one, or register one of them only."""


class MissingHandler(ConfigurationError):
    """A message has no handler: pass one in `handlers=` or register it before `initialize()`."""


class MissingPolicy(ConfigurationError):
    """A command has no authorization policy: name one, or `allow` it explicitly."""


class BadSignature(ConfigurationError):
    """A handler's parameters or return type do not fit what it handles."""


class BadDeclaration(ConfigurationError):
    """A class is declared in a way that cannot work."""


class UnknownName(ConfigurationError):
    """Nothing of this name is registered."""


class UnknownEngine(ConfigurationError):
    """No engine for this URL scheme is installed."""


class MissingExtra(ConfigurationError, ImportError):
    """An optional dependency is not installed; the message says what to install."""


# -- reading back --------------------------------------------------------------


class DecodingError(HeadwaterError):
    """Stored data cannot be read as the type it names: register an upcaster for its schema version."""


class UnknownEventType(DecodingError):
    """A stored event's type is not registered: register its class, or `renamed_from=` on the new one."""


# -- middleware ----------------------------------------------------------------


class Refused(HeadwaterError):
    """A middleware refused the message."""


class ValidationFailed(Refused):
    """The message broke a validation rule."""


class NotAuthorized(Refused):
    """The policy of this command does not allow this principal."""


# -- projections ---------------------------------------------------------------


class ProjectionError(HeadwaterError):
    """A projection cannot go on as asked."""


class CheckpointConflict(ProjectionError):
    """Another worker moved the checkpoint or took the lease; nothing of this batch was written."""


class CheckpointAheadOfLog(ProjectionError):
    """A checkpoint lies beyond the end of the log (a restored backup?): rebuild the projection."""


class LeaseLost(ProjectionError):
    """The lease was taken by another worker."""


class RebuildRefused(ProjectionError):
    """A rebuild cannot start or go on; the message says why."""


class InlineHandlerFailed(ProjectionError):
    """A projection that runs inline raised, so nothing was committed: mend it, or run the projection async."""


class InlineHandlerSuspended(ProjectionError):
    """An inline handler awaited something outside the append's transaction: run the projection async instead."""


class ParkingFull(ProjectionError):
    """As many keys are parked as may be: retry or discard some; this one waits where it is."""


class PageUnfinished(ProjectionError):
    """A worker died while it wrote what a page made of the rows, and an event of it fails now: mend the cause."""


class ProjectionOutdated(ProjectionError):
    """A later version of this projection is served: deploy it, or switch back to the one before."""


class ProjectionStopped(ProjectionError):
    """The projection's declaration says to stand still at this event: mend the cause, then resume it."""


class SnapshotUnusable(ProjectionError):
    """No start can be made from this snapshot of read models; the message says why."""


class ViewNotReady(ProjectionError):
    """This release's version of a read model is still being built: the release before answers until it is served."""


class ResetRefused(ProjectionError):
    """Rows of this projection may be fed by more than what is to be reset: rebuild it instead."""


class HandlerExited(ProjectionError):
    """A projection's handler raised what is no Exception, such as SystemExit: the projection stands still here."""

    def __init__(self, projection: str, raised: BaseException) -> None:
        super().__init__(
            f"a handler of {projection!r} raised {type(raised).__name__}({raised}), which is no Exception: raise one, "
            "which parks the event, and start the projection again"
        )
        self.projection = projection


class ConsistencyTimeout(ProjectionError):
    """The command is committed; its view was not there in time: ask again with the same token."""

    def __init__(
        self, token: object, projection: str, timeout: float, gave_up: Exception | None = None, paused: str = ""
    ) -> None:
        late = f"has not reached the command's events within {timeout:g} s" if gave_up is None else "runs here no more"
        why = "" if gave_up is None else f" ({gave_up})"
        ask = "ask again" if not paused else f"it is paused {paused}: resume it, then ask again"
        super().__init__(f"committed, view late: {projection!r} {late}{why}; {ask} with the same token")
        self.__cause__ = gave_up
        self.token = token
        """Of the write that was waited for."""
        self.projection = projection


class ViewParked(ProjectionError):
    """The event waited for is parked: `headwater dlq show` tells why; fix and retry it."""

    def __init__(self, token: object, projection: str, cause: str) -> None:
        super().__init__(
            f"committed, but {projection!r} has parked the event or an earlier one of its key ({cause}): "
            "see `headwater dlq show`, fix the cause and retry"
        )
        self.token = token
        self.projection = projection
        self.cause = cause
        """Type and text of the exception that parked the first event of the key."""
