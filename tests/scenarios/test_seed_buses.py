"""The seed, name by name: buses of one's own, their middleware, and services that share a topic."""

from __future__ import annotations

import asyncio

import pytest

from examples.users.aggregate import User
from examples.users.handlers import UserCommandHandler, UserProjectionHandler, UserQueryHandler
from examples.users.messages import (
    CreateUser,
    UpdateUserEmail,
    UserCreated,
)
from examples.users.read_model import UserReadModel
from headwater import (
    AuditMiddleware,
    AuthorizationMiddleware,
    CommandBus,
    Context,
    CQRSManager,
    EventBus,
    QueryBus,
    Recorded,
    ValidationMiddleware,
    allow,
)
from headwater.errors import MissingPolicy, NotAuthorized, ValidationFailed
from tests.scenarios.seed import JOHN


async def test_command_bus_with_the_three_middlewares(cqrs: CQRSManager) -> None:
    handler = UserCommandHandler(cqrs.repository(User), cqrs.event_bus)

    def only_admins(command: object, context: Context) -> bool:
        return context.principal == "admin"

    bus = CommandBus(
        handlers={"CreateUser": handler, "UpdateUserEmail": handler},
        middleware=[
            ValidationMiddleware(rules={CreateUser: [_has_at]}),
            AuthorizationMiddleware(policies={"CreateUser": allow, UpdateUserEmail: only_admins}),
            AuditMiddleware(),
        ],
        command_log=cqrs.engine.commands,
    )
    await bus.execute({"type": "CreateUser", "userId": "u1", "email": "john@example.com", "name": "John Doe"})
    with pytest.raises(ValidationFailed, match="email"):
        await bus.execute(CreateUser(user_id="u2", email="nowhere", name="N"))
    with pytest.raises(ValidationFailed):
        await bus.execute(CreateUser(user_id="u2", email=7, name="N"))  # type: ignore[arg-type]
    with pytest.raises(NotAuthorized):
        await bus.execute(UpdateUserEmail(user_id="u1", new_email="b@x"))
    await bus.execute(UpdateUserEmail(user_id="u1", new_email="b@x"), context=Context(principal="admin"))
    assert (await cqrs.repository(User).load("u1")).email == "b@x"


async def test_a_command_without_a_policy_fails_at_start_up(url: str) -> None:
    cqrs = CQRSManager(url, middleware=[AuthorizationMiddleware(policies={CreateUser: allow})])
    cqrs.register(UserCommandHandler(cqrs.repository(User), cqrs.event_bus))
    with pytest.raises(MissingPolicy):
        await cqrs.initialize()


async def test_query_bus_with_caching(cqrs: CQRSManager) -> None:
    asked: list[str] = []

    class Counting(UserQueryHandler):
        async def get_user_by_id(self, id: str) -> UserReadModel | None:
            asked.append(id)
            await asyncio.sleep(0)
            return await super().get_user_by_id(id)

    bus = QueryBus(
        handlers={"GetUserById": Counting(cqrs.read_models)},
        caching={
            "enabled": True,
            "ttl": 300,
            "keyGenerator": lambda query: f"query:{query.type}:{sorted(query.params.items())}",
        },
    )
    await cqrs.commands.execute(JOHN, wait_for=[UserProjectionHandler])
    query = {"type": "GetUserById", "params": {"id": "u1"}}
    answers = await asyncio.gather(*(bus.execute(query) for _ in range(5)))
    assert all(answer == answers[0] and answer is not None for answer in answers)
    assert asked == ["u1"]
    assert bus.cache is not None
    assert (bus.cache.hits, bus.cache.misses) == (4, 1)


async def test_microservices_each_with_its_own_buses(url: str) -> None:
    """One service's events create profiles in another, through a topic they share."""
    profiles: list[str] = []

    class UserEventHandler:
        async def handle(self, event: Recorded[object]) -> None:
            if event.type == "UserCreated" and isinstance(event.data, UserCreated):
                profiles.append(event.data.user_id)

    orders = EventBus(subscribers={"user.events": [UserEventHandler()]})
    cqrs = CQRSManager(url, event_bus=EventBus(topics=["user.events"], group="order-service"))
    cqrs.register(UserCommandHandler(cqrs.repository(User), cqrs.event_bus))

    async def forward(event: Recorded[object]) -> None:
        await orders.deliver("user.events", event)

    cqrs.event_bus.subscribe("user.events", forward)
    async with cqrs:
        await cqrs.commands.execute(JOHN)
        await cqrs.synchronizer.caught_up()
    assert profiles == ["u1"]
    await orders.publish("user.events", UserCreated(user_id="u9", email="9@x", name="N"))
    assert profiles == ["u1", "u9"]


def _has_at(command: object) -> str | None:
    assert isinstance(command, CreateUser)
    return None if "@" in command.email else "email has no @"
