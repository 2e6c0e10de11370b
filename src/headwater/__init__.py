"""headwater: CQRS and event sourcing for Python. Everything a handler needs is imported from here."""

from __future__ import annotations

from importlib.metadata import version as _version

from headwater.commands.audit import AuditMiddleware as AuditMiddleware
from headwater.commands.authorization import AuthorizationMiddleware as AuthorizationMiddleware
from headwater.commands.authorization import allow as allow
from headwater.commands.boundaries import Boundaries as Boundaries
from headwater.commands.bus import CommandBus as CommandBus
from headwater.commands.handler import CommandHandler as CommandHandler
from headwater.commands.latest import ForWriting as ForWriting
from headwater.commands.latest import Latest as Latest
from headwater.commands.receipt import Receipt as Receipt
from headwater.commands.repository import Repository as Repository
from headwater.commands.validation import ValidationMiddleware as ValidationMiddleware
from headwater.consistency.checks.check import ConsistencyCheck as ConsistencyCheck
from headwater.consistency.declared import Consistency as Consistency
from headwater.consistency.manager import ConsistencyManager as ConsistencyManager
from headwater.domain.aggregate import Aggregate as Aggregate
from headwater.domain.boundary import Boundary as Boundary
from headwater.domain.decider import Decider as Decider
from headwater.domain.event import Recorded as Recorded
from headwater.domain.messages import Command as Command
from headwater.domain.messages import CommandLike as CommandLike
from headwater.domain.messages import Event as Event
from headwater.domain.messages import EventLike as EventLike
from headwater.domain.messages import Naming as Naming
from headwater.domain.messages import Query as Query
from headwater.domain.messages import QueryLike as QueryLike
from headwater.domain.metadata import Context as Context
from headwater.domain.metadata import Metadata as Metadata
from headwater.domain.on import on as on
from headwater.domain.position import Position as Position
from headwater.domain.stream import StreamId as StreamId
from headwater.domain.tags import Tag as Tag
from headwater.domain.token import Token as Token
from headwater.domain.upcaster import Shape as Shape
from headwater.domain.upcaster import Upcaster as Upcaster
from headwater.domain.version import AnyVersion as AnyVersion
from headwater.domain.version import Exact as Exact
from headwater.domain.version import Exists as Exists
from headwater.domain.version import NoStream as NoStream
from headwater.errors import AggregateNotFound as AggregateNotFound
from headwater.errors import AppendOutcomeUnknown as AppendOutcomeUnknown
from headwater.errors import BoundaryChanged as BoundaryChanged
from headwater.errors import ConsistencyTimeout as ConsistencyTimeout
from headwater.errors import DomainError as DomainError
from headwater.errors import HeadwaterError as HeadwaterError
from headwater.errors import UniqueKeyTaken as UniqueKeyTaken
from headwater.errors import ViewParked as ViewParked
from headwater.errors import WrongExpectedVersion as WrongExpectedVersion
from headwater.handling.routing import handles as handles
from headwater.limits import Limits as Limits
from headwater.manager import CQRSManager as CQRSManager
from headwater.messaging.bus import EventBus as EventBus
from headwater.models.expressions import field as field
from headwater.models.fields import Scale as Scale
from headwater.models.model import Indexed as Indexed
from headwater.models.model import Key as Key
from headwater.models.model import ReadModel as ReadModel
from headwater.models.model import Searchable as Searchable
from headwater.projections.after_commit import after_commit as after_commit
from headwater.projections.batch import BatchProjectionHandler as BatchProjectionHandler
from headwater.projections.dead_letters import DeadLetterQueue as DeadLetterQueue
from headwater.projections.error_policy import ErrorPolicy as ErrorPolicy
from headwater.projections.fold import Fold as Fold
from headwater.projections.handler import ProjectionHandler as ProjectionHandler
from headwater.projections.lifecycle import inline as inline
from headwater.projections.lifecycle import live as live
from headwater.projections.parts import RunnerOptions as RunnerOptions
from headwater.projections.snapshotting import ReadModelSnapshotManager as ReadModelSnapshotManager
from headwater.projections.synchronizer import ReadModelSynchronizer as ReadModelSynchronizer
from headwater.queries.bus import QueryBus as QueryBus
from headwater.queries.cache import Caching as Caching
from headwater.queries.handler import QueryHandler as QueryHandler
from headwater.queries.subscription import QuerySubscription as QuerySubscription
from headwater.queries.subscription import Update as Update
from headwater.read_models.store import ReadModelStore as ReadModelStore
from headwater.read_models.views import Page as Page
from headwater.read_models.views import Views as Views
from headwater.settings import Settings as Settings

__all__ = [
    "Aggregate",
    "AggregateNotFound",
    "AnyVersion",
    "AppendOutcomeUnknown",
    "AuditMiddleware",
    "AuthorizationMiddleware",
    "BatchProjectionHandler",
    "Boundaries",
    "Boundary",
    "BoundaryChanged",
    "CQRSManager",
    "Caching",
    "Command",
    "CommandBus",
    "CommandHandler",
    "CommandLike",
    "Consistency",
    "ConsistencyCheck",
    "ConsistencyManager",
    "ConsistencyTimeout",
    "Context",
    "DeadLetterQueue",
    "Decider",
    "DomainError",
    "ErrorPolicy",
    "Event",
    "EventBus",
    "EventLike",
    "Exact",
    "Exists",
    "Fold",
    "ForWriting",
    "HeadwaterError",
    "Indexed",
    "Key",
    "Latest",
    "Limits",
    "Metadata",
    "Naming",
    "NoStream",
    "Page",
    "Position",
    "ProjectionHandler",
    "Query",
    "QueryBus",
    "QueryHandler",
    "QueryLike",
    "QuerySubscription",
    "ReadModel",
    "ReadModelSnapshotManager",
    "ReadModelStore",
    "ReadModelSynchronizer",
    "Receipt",
    "Recorded",
    "Repository",
    "RunnerOptions",
    "Scale",
    "Searchable",
    "Settings",
    "Shape",
    "StreamId",
    "Tag",
    "Token",
    "UniqueKeyTaken",
    "Upcaster",
    "Update",
    "ValidationMiddleware",
    "ViewParked",
    "Views",
    "WrongExpectedVersion",
    "after_commit",
    "allow",
    "field",
    "handles",
    "inline",
    "live",
    "on",
]

__version__ = _version("headwater")
