"""EventBus: topics and their subscribers, in one process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from headwater.commands.context import current_command
from headwater.domain.event import Recorded
from headwater.domain.identifier import check_id
from headwater.domain.registry import Registry
from headwater.errors import UnknownName
from headwater.handling.injection import Injector
from headwater.messaging.published import published
from headwater.messaging.subscriber import Subscriber, check_subscriber, subscriber

__all__ = ["EventBus"]


class EventBus:
    """Hands events to the subscribers of their topic, in order.

    Made by `CQRSManager` it is fed by the log: every committed event goes to the topic `<category>.events`, and a
    durable checkpoint says how far. Publishing inside a command handler adds the event to the command's append (or
    does nothing where the handler saves that very event), so that it is published if and only if the command
    commits. Outside a handler, and on a bus that stands alone, `publish` hands the event over at once: an error of
    a subscriber reaches the publisher.

    Subscribers are functions, objects with `async def handle(self, event)`, or ProjectionHandlers. Their further
    parameters are filled in when the bus is first used, or opened by the manager it was given to: BadSignature if one
    cannot be. `topics` declares which exist beside the subscribed ones; once any is declared, another is UnknownName.
    """

    def __init__(
        self,
        topics: Iterable[str] = (),
        subscribers: Mapping[str, Sequence[object]] | None = None,
        *,
        group: str = "default",
        registry: Registry | None = None,
        injector: Injector | None = None,
    ) -> None:
        self.group = group
        self._declared = frozenset(check_id(topic, "topic") for topic in topics)
        self._own_registry = registry
        self._own_injector = injector
        self._registry = registry or Registry()
        self._injector = injector or Injector()
        self._handlers: dict[str, list[object]] = {}
        self._bound: dict[str, list[Subscriber]] | None = None
        for topic, handlers in (subscribers or {}).items():
            self.subscribe(topic, *handlers)

    def subscribe(self, topic: str, *handlers: object) -> None:
        """Add subscribers to a topic; BadSignature for what cannot be one."""
        for handler in handlers:
            check_subscriber(handler)
        self._handlers.setdefault(check_id(topic, "topic"), []).extend(handlers)
        self._bound = None

    def join(self, registry: Registry, injector: Injector) -> None:
        """Use an application's registry and injector, in place of those the bus was not given."""
        self._registry = self._own_registry or registry
        self._injector = self._own_injector or injector
        self._bound = None

    @property
    def topics(self) -> frozenset[str]:
        """Declared and subscribed topics."""
        return self._declared | self._handlers.keys()

    @property
    def subscribers(self) -> tuple[Subscriber, ...]:
        """Every subscriber, once for each of its topics."""
        return tuple(one for several in self._subscribers().values() for one in several)

    def has_subscribers(self, topic: str) -> bool:
        """Whether anybody wants the events of a topic."""
        return topic in self._handlers

    async def publish(self, topic: str, event: object) -> None:
        """Publish an event: with the running command's append, or at once where no command runs."""
        check_id(topic, "topic")
        if self._declared and topic not in self.topics:
            raise UnknownName(f"topic {topic!a} is not declared: known are {sorted(self.topics)}")
        context = current_command.get()
        staged = None if context is None else context.staging()
        if staged is not None:
            staged.published.append((topic, event))
        else:
            self._registry.register(type(event))
            await self.deliver(topic, published(topic, event, self._registry))

    async def deliver(self, topic: str, event: Recorded[object]) -> None:
        """Hand an event to the subscribers of a topic, one after the other."""
        for one in self._subscribers().get(topic, ()):
            await one.deliver(event)

    def _subscribers(self) -> dict[str, list[Subscriber]]:
        if self._bound is None:
            self._bound = {
                topic: [subscriber(handler, self._registry, self._injector) for handler in handlers]
                for topic, handlers in self._handlers.items()
            }
        return self._bound
