"""The event bus alone: services of one process that talk by topics."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.commands.bus import CommandBus
from headwater.domain.aggregate import Aggregate
from headwater.domain.event import Recorded
from headwater.domain.messages import Command, Event
from headwater.domain.on import on
from headwater.domain.position import Position
from headwater.domain.registry import Registry
from headwater.errors import BadSignature, InvalidId, InvalidMessage, NotOwner, UnknownName
from headwater.handling.injection import Injector
from headwater.handling.routing import handles
from headwater.manager import CQRSManager
from headwater.messaging.bus import EventBus
from headwater.models.model import Key, ReadModel
from headwater.projections.handler import ProjectionHandler
from headwater.read_models.views import Views


class UserCreated(Event):
    user_id: str


class UserLeft(Event):
    user_id: str


class CreateUser(Command[str]):
    user_id: str


class UserRow(ReadModel, table="bus_user"):
    id: Key[str]


class Inbox:
    """Another service's handler."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    async def handle(self, event: Recorded[UserCreated]) -> None:
        self.seen.append(event.data)


class Users(ProjectionHandler, writes=[UserRow]):
    def __init__(self) -> None:
        self.seen: list[str] = []

    @on(UserCreated)
    async def created(self, e: Recorded[UserCreated], inbox: Inbox) -> None:
        self.seen.append(f"{e.type} {e.data.user_id}")
        inbox.seen.append(e.data)


async def test_two_services_as_one_process() -> None:
    orders = Inbox()
    bus = EventBus(topics=["user.events", "order.events"], subscribers={"user.events": [orders]}, group="orders")

    @handles(CreateUser)
    async def create(c: CreateUser) -> str:
        await bus.publish("user.events", UserCreated(user_id=c.user_id))
        return c.user_id

    assert (await CommandBus([create]).execute(CreateUser(user_id="u1"))).result == "u1"
    await bus.publish("order.events", UserLeft(user_id="u1"))
    assert orders.seen == [UserCreated(user_id="u1")]
    assert bus.topics == {"user.events", "order.events"}


async def test_subscribers_of_every_form_in_order() -> None:
    seen: list[object] = []
    inbox, users = Inbox(), Users()
    injector = Injector()
    injector.provide(Inbox, inbox)

    async def function(event: Recorded[object], inbox: Inbox) -> None:
        seen.append((event.type, event.version, event.category, event.position, len(inbox.seen)))

    bus = EventBus(subscribers={"user.events": [inbox, function, users]}, injector=injector)
    await bus.publish("user.events", UserCreated(user_id="u1"))
    assert seen == [("UserCreated", 1, "published", Position(-1, -1), 1)]
    assert users.seen == ["UserCreated u1"]
    assert len(inbox.seen) == 2
    assert [one.writes for one in bus.subscribers] == [(), (), (UserRow,)]


async def test_a_projection_passes_by_what_it_does_not_handle() -> None:
    injector = Injector()
    injector.provide(Inbox, inbox := Inbox())
    bus = EventBus(subscribers={"user.events": [users := Users()]}, injector=injector)
    await bus.publish("user.events", UserLeft(user_id="u1"))
    assert users.seen == inbox.seen == []


async def test_metadata_of_what_was_published() -> None:
    events: list[Recorded[object]] = []

    async def keep(event: Recorded[object]) -> None:
        events.append(event)

    bus = EventBus(subscribers={"t": [keep]})
    await bus.publish("t", UserLeft(user_id="u1"))
    await bus.publish("t", UserLeft(user_id="u1"))
    first, second = (event.metadata for event in events)
    assert first.event_id != second.event_id
    assert first.event_id.version == 7
    assert first.timestamp.utcoffset() is not None
    assert events[0].stored.topic == "t"


async def test_an_error_of_a_subscriber_reaches_the_publisher() -> None:
    async def fails(event: Recorded[object]) -> None:
        raise ValueError("no")

    bus = EventBus(subscribers={"t": [fails]})
    with pytest.raises(ValueError, match="no"):
        await bus.publish("t", UserLeft(user_id="u1"))


async def test_topics() -> None:
    bus = EventBus(topics=["a.events"])
    with pytest.raises(UnknownName, match=r"topic 'b.events' is not declared: known are \['a.events'\]"):
        await bus.publish("b.events", UserLeft(user_id="u1"))
    bus.subscribe("b.events", inbox := Inbox())
    await bus.publish("b.events", UserCreated(user_id="u1"))
    assert len(inbox.seen) == 1
    await EventBus().publish("anything", UserLeft(user_id="u1"))


@pytest.mark.parametrize("topic", ["", "a\nb", "a\0", "\ud800"])
async def test_a_bad_topic(topic: str) -> None:
    with pytest.raises(InvalidId, match="topic"):
        EventBus(topics=[topic])
    with pytest.raises(InvalidId, match="topic"):
        EventBus(subscribers={topic: [Inbox()]})
    with pytest.raises(InvalidId, match="topic"):
        await EventBus().publish(topic, UserLeft(user_id="u1"))


class Plain:
    def handle(self, event: Recorded[object]) -> None: ...


async def needs_more(event: Recorded[object], other: int) -> None: ...


@pytest.mark.parametrize("handler", [Plain(), object(), print, "name", Inbox])
def test_what_cannot_subscribe(handler: object) -> None:
    with pytest.raises(BadSignature):
        EventBus(subscribers={"t": [handler]})


async def test_a_parameter_that_nothing_fills_in() -> None:
    bus = EventBus(subscribers={"t": [needs_more]})
    with pytest.raises(BadSignature, match="parameter 'other' cannot be filled in"):
        await bus.publish("t", UserLeft(user_id="u1"))
    with pytest.raises(BadSignature, match="parameter 'other' cannot be filled in"):
        await CQRSManager("memory://", event_bus=bus).initialize()


async def test_a_bus_handed_to_a_manager_fills_its_read_models() -> None:
    class Left(Aggregate, category="left"):
        @on(UserLeft)
        def left(self, e: UserLeft) -> None: ...

    class Leavers(ProjectionHandler, writes=[UserRow]):
        @on(UserLeft)
        async def left(self, e: Recorded[UserLeft], views: Views) -> None:
            await views.insert(UserRow(id=e.data.user_id))

    bus = EventBus(topics=["left.events"], subscribers={"left.events": [Leavers()]}, group="leavers")
    async with CQRSManager("memory://", event_bus=bus) as cqrs:
        await cqrs.repository(Left).save(Left.new("u1", UserLeft(user_id="u1")))
        await cqrs.synchronizer.caught_up()
        assert await cqrs.read_models.find(UserRow) == [UserRow(id="u1")]
        assert await cqrs.synchronizer.dead_letters.list() == []
        with pytest.raises(NotOwner):
            await cqrs.read_models.insert(UserRow(id="u2"))


async def test_events_of_a_topic_that_nobody_wants_need_not_be_known(tmp_path: Path) -> None:
    class Other(Aggregate, category="other"):
        @on(UserCreated)
        def created(self, e: UserCreated) -> None: ...

    class Left(Aggregate, category="left"):
        @on(UserLeft)
        def left(self, e: UserLeft) -> None: ...

    url = f"sqlite:///{tmp_path}/shared.db"
    async with CQRSManager(url) as elsewhere:
        await elsewhere.repository(Other).save(Other.new("u1", UserCreated(user_id="u1")))
        await elsewhere.repository(Left).save(Left.new("u1", UserLeft(user_id="u1")))
    bus = EventBus(subscribers={"left.events": [left := Inbox()]})
    async with CQRSManager(url, events=[UserLeft], event_bus=bus) as cqrs:
        await cqrs.synchronizer.caught_up()
        assert await cqrs.synchronizer.dead_letters.list() == []
        assert left.seen == [UserLeft(user_id="u1")]


async def test_what_cannot_be_published() -> None:
    bus = EventBus(registry=Registry())
    with pytest.raises(InvalidMessage):
        await bus.publish("t", UserLeft(user_id="\ud800"))
