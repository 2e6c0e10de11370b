"""The seed, name by name: each of its promises kept under the same name, on every engine.

Here is the manager with its commands, repositories and aggregates. The rest of the rows: `test_seed_read_side`
(queries, read models), `test_seed_projections`, `test_seed_buses` (buses, services, middleware) and `test_seed_log`.
"""

from __future__ import annotations

import asyncio

import pytest

from examples.users.aggregate import EMAIL, User
from examples.users.handlers import EmailTaken, UserCommandHandler, UserProjectionHandler
from examples.users.messages import (
    CreateUser,
    UpdateUserEmail,
    UserCreated,
    UserEmailChanged,
)
from examples.users.read_model import UserReadModel
from headwater import (
    AggregateNotFound,
    AuditMiddleware,
    CommandHandler,
    CQRSManager,
    DomainError,
    EventBus,
    Recorded,
    Repository,
    Settings,
    UniqueKeyTaken,
    handles,
)
from headwater.errors import StoreMismatch, UnknownName
from tests.scenarios.seed import JOHN

# -- CQRSManager -----------------------------------------------------------------


@pytest.mark.new_store
async def test_manager_takes_the_seeds_options_and_initializes(url: str) -> None:
    cqrs = CQRSManager(
        url,
        command_store="my_commands",
        event_store="my_events",
        read_models=[UserReadModel, "user_read_model"],
        event_bus="memory",
    )
    cqrs.register(UserCommandHandler(cqrs.repository(User), cqrs.event_bus), UserProjectionHandler(cqrs.read_models))
    await cqrs.initialize()
    await cqrs.initialize()
    receipt = await cqrs.commands.execute(JOHN, wait_for=[UserProjectionHandler])
    assert receipt.events == (UserCreated(user_id="u1", email="john@example.com", name="John Doe"),)
    await cqrs.close()
    await cqrs.close()


@pytest.mark.new_store
async def test_a_store_keeps_the_names_it_was_made_with(url: str) -> None:
    async with CQRSManager(url, command_store="my_commands", event_store="my_events"):
        pass
    if url.startswith("memory"):
        return  # each URL opens a store of its own
    with pytest.raises(StoreMismatch, match="my_events"):
        await CQRSManager(url).initialize()


def test_a_read_model_named_and_not_declared_is_refused(url: str) -> None:
    with pytest.raises(UnknownName, match="order_read_model"):
        CQRSManager(url, read_models=[UserReadModel, "order_read_model"])


@pytest.mark.new_store
async def test_from_settings(url: str) -> None:
    settings = Settings.from_environment({"HEADWATER_URL": url, "HEADWATER_EVENT_STORE": "happened"})
    async with CQRSManager.from_settings(settings) as cqrs:
        assert cqrs.store_id


# -- commands --------------------------------------------------------------------


async def test_a_mapping_is_a_command_in_camel_or_snake_case(cqrs: CQRSManager) -> None:
    await cqrs.commands.execute({"type": "CreateUser", "userId": "u1", "email": "a@x", "name": "A"})
    await cqrs.commands.execute({"type": "UpdateUserEmail", "user_id": "u1", "new_email": "b@x"})
    user = await cqrs.repository(User).load("u1")
    assert user.email == "b@x"


async def test_command_handler_methods_and_functions(url: str) -> None:
    class Handler(CommandHandler):
        def __init__(self, users: Repository[User]) -> None:
            self._users = users

        @handles(CreateUser)
        async def create(self, command: CreateUser) -> None:
            await self._users.save(User.create(command.user_id, command.email, command.name))

    @handles(UpdateUserEmail)
    async def update_email(command: UpdateUserEmail, users: Repository[User]) -> None:
        user = await users.load(command.user_id)
        user.change_email(command.new_email)
        await users.save(user)

    cqrs = CQRSManager(url, handlers=[update_email])
    cqrs.register(Handler(cqrs.repository(User)))
    async with cqrs:
        await cqrs.commands.execute(JOHN)
        receipt = await cqrs.commands.execute(UpdateUserEmail(user_id="u1", new_email="b@x"))
        assert receipt.events == (UserEmailChanged(user_id="u1", new_email="b@x"),)


async def test_repository(cqrs: CQRSManager) -> None:
    users = cqrs.repository(User)
    assert await users.get_by_id("u1") is None
    assert await users.count() == 0
    assert not await users.exists("u1")
    with pytest.raises(AggregateNotFound):
        await users.load("u1")
    await users.save(User.create("u1", "john@example.com", "John"))
    await users.save(User.create("u2", "b@x", "B"))
    assert await users.count() == 2
    assert await users.exists("u2")
    assert await users.exists(unique=(EMAIL, "b@x"))
    assert not await users.exists(unique=(EMAIL, "d@x"))
    assert (await users.load("u1")).email == "john@example.com"


@pytest.mark.transactional
async def test_repository_saves_several_at_once(cqrs: CQRSManager) -> None:
    users = cqrs.repository(User)
    await users.save_all(User.create("u2", "b@x", "B"), User.create("u3", "c@x", "C"))
    assert await users.count() == 2
    assert await users.exists(unique=(EMAIL, "c@x"))


async def test_aggregate_uncommitted_events_are_committed_by_saving(cqrs: CQRSManager) -> None:
    user = User.create("u1", "a@x", "A")
    user.change_email("b@x")
    assert [type(event) for event in user.get_uncommitted_events()] == [UserCreated, UserEmailChanged]
    await cqrs.repository(User).save(user)
    assert user.get_uncommitted_events() == ()
    user.change_email("c@x")
    user.mark_events_as_committed()
    assert user.get_uncommitted_events() == ()


async def test_publishing_what_is_saved_adds_nothing_and_other_events_ride_along(url: str) -> None:
    delivered: list[tuple[str, object]] = []

    class Welcomed(UserCreated):
        """An integration event, not the aggregate's."""

    @handles(CreateUser)
    async def create(command: CreateUser, users: Repository[User], bus: EventBus) -> None:
        user = User.create(command.user_id, command.email, command.name)
        for event in user.get_uncommitted_events():
            await bus.publish("user.events", event)
        await users.save(user)
        await bus.publish("welcome", Welcomed(user_id=command.user_id, email=command.email, name=command.name))

    async def remember(event: Recorded[object]) -> None:
        delivered.append((event.stored.topic or "user.events", event.data))

    cqrs = CQRSManager(url, handlers=[create], events=[Welcomed])
    cqrs.event_bus.subscribe("user.events", remember)
    cqrs.event_bus.subscribe("welcome", remember)
    async with cqrs:
        receipt = await cqrs.commands.execute(JOHN, wait_for=["relay_default"])
        await cqrs.synchronizer.caught_up()
        assert len(receipt.events) == 1
        assert [(topic, type(event)) for topic, event in delivered] == [
            ("user.events", UserCreated),
            ("welcome", Welcomed),
        ]
        assert (await cqrs.repository(User).load("u1")).email == "john@example.com"


async def test_errors_are_typed_and_recorded(url: str) -> None:
    cqrs = CQRSManager(url, middleware=[AuditMiddleware()])
    cqrs.register(UserCommandHandler(cqrs.repository(User), cqrs.event_bus))
    async with cqrs:
        await cqrs.commands.execute(JOHN, command_id="first")
        with pytest.raises(EmailTaken):
            await cqrs.commands.execute(CreateUser(user_id="u2", email=JOHN.email, name="B"), command_id="second")
        with pytest.raises(AggregateNotFound):
            await cqrs.commands.execute(UpdateUserEmail(user_id="nobody", new_email="x@x"), command_id="third")
        with pytest.raises(UniqueKeyTaken) as taken:
            await cqrs.repository(User).save(User.create("u2", JOHN.email, "B"))
        assert isinstance(taken.value, DomainError)
        refused = await cqrs.engine.commands.list(10, refused=True)
        assert {(record.id, (record.error or "").partition(":")[0]) for record in refused} == {
            ("second", "EmailTaken"),
            ("third", "AggregateNotFound"),
        }


async def test_two_sign_ups_with_one_email_at_once(cqrs: CQRSManager) -> None:
    """The race in the seed's existsByEmail is closed."""
    commands = [CreateUser(user_id=f"u{n}", email="same@x", name="N") for n in range(20)]
    outcomes = await asyncio.gather(*(cqrs.commands.execute(c) for c in commands), return_exceptions=True)
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    assert all(isinstance(o, UniqueKeyTaken | EmailTaken) for o in outcomes if isinstance(o, BaseException))
    assert await cqrs.repository(User).count() == 1
