"""The seed, name by name: each of its promises kept under the same name, on every engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from examples.users.__main__ import application
from examples.users.aggregate import EMAIL, User
from examples.users.handlers import EmailTaken, UserCommandHandler, UserProjectionHandler, UserQueryHandler
from examples.users.messages import (
    CreateUser,
    GetUserById,
    GetUserStatistics,
    SearchUsers,
    UpdateUserEmail,
    UserCreated,
    UserEmailChanged,
)
from examples.users.read_model import UserReadModel
from headwater import (
    AggregateNotFound,
    AuditMiddleware,
    AuthorizationMiddleware,
    BatchProjectionHandler,
    CommandBus,
    CommandHandler,
    Context,
    CQRSManager,
    DomainError,
    EventBus,
    ProjectionHandler,
    QueryBus,
    ReadModelSynchronizer,
    Recorded,
    Repository,
    Settings,
    UniqueKeyTaken,
    ValidationMiddleware,
    Views,
    allow,
    field,
    handles,
    on,
)
from headwater.errors import BadDeclaration, MissingPolicy, NotAuthorized, StoreMismatch, UnknownName, ValidationFailed

JOHN = CreateUser(user_id="u1", email="john@example.com", name="John Doe")


@pytest.fixture
async def cqrs(url: str) -> AsyncIterator[CQRSManager]:
    """The example's application, open."""
    async with application(url) as running:
        yield running


# -- CQRSManager -----------------------------------------------------------------


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
    await users.save_all(User.create("u2", "b@x", "B"), User.create("u3", "c@x", "C"))
    assert await users.count() == 3
    assert await users.exists("u2")
    assert await users.exists(unique=(EMAIL, "c@x"))
    assert not await users.exists(unique=(EMAIL, "d@x"))
    assert (await users.load("u1")).email == "john@example.com"


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


# -- queries and read models -----------------------------------------------------


async def test_query_handler_by_class_and_by_mapping(cqrs: CQRSManager) -> None:
    receipt = await cqrs.commands.execute(JOHN)
    user = await cqrs.queries.execute(GetUserById(id="u1"), at_least=receipt.token)
    assert user is not None
    assert user.email == "john@example.com"
    assert await cqrs.queries.execute({"type": "GetUserById", "params": {"id": "u1"}}) == user
    assert await cqrs.queries.execute(SearchUsers(query="doe")) == [user]
    assert await cqrs.queries.execute(GetUserStatistics()) == {"active": 1}


async def test_read_model_store_by_class_and_by_name(url: str) -> None:
    async with CQRSManager(url, read_models=[UserReadModel]) as cqrs:
        store = cqrs.read_models
        for n, (name, status) in enumerate([("Ada", "active"), ("Áda", "inactive"), ("Bob", "active")]):
            row = {"id": f"u{n}", "email": f"{n}@x", "name": name, "status": status}
            at = datetime.now(UTC)
            await store.insert("user_read_model", {**row, "created_at": at, "updated_at": at})
        assert [user.id for user in await store.find(UserReadModel, status="active")] == ["u0", "u2"]
        assert [user.id for user in await store.find(UserReadModel, field("name") >= "B")] == ["u1", "u2"]
        found = await store.search("user_read_model", {"fields": ["name", "email"], "query": "ad", "limit": 50})
        assert len(found) == 2
        await store.update("user_read_model", {"id": "u2"}, {"status": "inactive"})
        groups = await store.aggregate("user_read_model", [{"$group": {"_id": "$status", "count": {"$sum": 1}}}])
        assert {str(group["_id"]): group["count"] for group in groups} == {"active": 1, "inactive": 2}
        assert await store.count("user_read_model") == 3
        assert await store.exists("user_read_model", {"email": "1@x"})
        first = await store.page(UserReadModel, order_by=["-name"], size=2)
        second = await store.page(UserReadModel, order_by=["-name"], size=2, cursor=first.next_cursor)
        assert [user.id for user in [*first.items, *second.items]] == ["u1", "u2", "u0"]
        assert second.next_cursor is None
        at = datetime.now(UTC)
        whole = {"email": "0@x", "name": "Ada", "created_at": at, "updated_at": at, "status": "gone"}
        await store.upsert(UserReadModel, "u0", **whole)
        await store.delete(UserReadModel, "u1")
        left = [(user.id, user.status) for user in await store.find(UserReadModel)]
        assert left == [("u0", "gone"), ("u2", "inactive")]


@pytest.mark.parametrize("strategy", ["write-through", "write-behind", "read-through"])
async def test_read_model_store_options(url: str, strategy: str) -> None:
    cqrs = CQRSManager(
        url,
        read_models=[UserReadModel],
        indexing={"user_read_model": ["email", "status", "created_at"]},
        denormalization={"user_read_model": [("status", "-created_at")]},
        row_caching={"enabled": True, "strategy": strategy, "ttl": 3600},
    )
    async with cqrs:
        at = datetime.now(UTC)
        row = UserReadModel(id="u1", email="a@x", name="A", created_at=at, updated_at=at)
        await cqrs.read_models.insert(row)
        for _ in range(3):
            assert await cqrs.read_models.find_one("user_read_model", {"id": "u1"}) == row
        cache = cqrs.read_models.cache
        assert cache is None or cache.hits >= 2
        assert await cqrs.read_models.find(UserReadModel, status="active") == [row]


def test_denormalization_that_could_do_nothing_is_refused(url: str) -> None:
    with pytest.raises(BadDeclaration):
        CQRSManager(url, read_models=[UserReadModel], denormalization=True)


# -- projections -----------------------------------------------------------------


async def test_projection_with_an_injected_store_joins_the_batch(cqrs: CQRSManager) -> None:
    receipt = await cqrs.commands.execute(JOHN, wait_for=[UserProjectionHandler])
    await cqrs.commands.execute(UpdateUserEmail(user_id="u1", new_email="b@x"), wait_for=[UserProjectionHandler])
    user = await cqrs.read_models.get(UserReadModel, "u1")
    assert user is not None
    assert (user.email, user.status) == ("b@x", "active")
    assert user.created_at < user.updated_at
    assert receipt.token.writes == (("user-u1", 1),)


async def test_projection_with_marked_methods(url: str) -> None:
    class Users(ProjectionHandler, writes=[UserReadModel]):
        @on(UserCreated)
        async def created(self, event: Recorded[UserCreated], views: Views) -> None:
            data, at = event.data, event.metadata.timestamp
            await views.insert(
                UserReadModel(id=data.user_id, email=data.email, name=data.name, created_at=at, updated_at=at)
            )

    cqrs = CQRSManager(url, projections=[Users()])
    cqrs.register(UserCommandHandler(cqrs.repository(User), cqrs.event_bus), UserQueryHandler(cqrs.read_models))
    async with cqrs:
        await cqrs.commands.execute(JOHN, wait_for=[Users])
        assert await cqrs.queries.execute(GetUserById(id="u1")) is not None


async def test_synchronizer_listeners_dead_letters_and_rebuild(url: str) -> None:
    broken = True
    heard: list[tuple[str, str]] = []

    class Users(ProjectionHandler, writes=[UserReadModel]):
        @on(UserCreated)
        async def created(self, event: Recorded[UserCreated], views: Views) -> None:
            if broken and event.data.user_id == "u1":
                raise RuntimeError("cannot handle this")
            data, at = event.data, event.metadata.timestamp
            await views.insert(
                UserReadModel(id=data.user_id, email=data.email, name=data.name, created_at=at, updated_at=at)
            )

        @on(UserEmailChanged)
        async def changed(self, event: Recorded[UserEmailChanged], views: Views) -> None:
            await views.update(UserReadModel, event.data.user_id, email=event.data.new_email)

    cqrs = CQRSManager(url, read_models=[UserReadModel], run_projections=False)
    cqrs.register(UserCommandHandler(cqrs.repository(User), cqrs.event_bus))
    async with cqrs:
        synchronizer = ReadModelSynchronizer(cqrs, event_store=cqrs.engine, projection_handlers=[Users()])

        async def listen(error: Exception, event: Recorded[object]) -> None:
            heard.append((type(error).__name__, event.stream))
            await synchronizer.dead_letters.add(event, error)

        synchronizer.on("projection_error", listen)
        await synchronizer.start()
        for n in (1, 2):
            await cqrs.commands.execute(CreateUser(user_id=f"u{n}", email=f"{n}@x", name="N"))
        await cqrs.commands.execute(UpdateUserEmail(user_id="u1", new_email="new@x"))
        await synchronizer.caught_up()
        assert heard == [("RuntimeError", "user-u1")]
        assert [user.id for user in await cqrs.read_models.find(UserReadModel)] == ["u2"]
        assert [letter.type for letter in await synchronizer.dead_letters.list()] == ["UserCreated", "UserEmailChanged"]

        broken = False
        retried = await synchronizer.dead_letters.retry(Users)
        assert retried.handled == 2
        live = await cqrs.read_models.find(UserReadModel)
        assert [(user.id, user.email) for user in live] == [("u1", "new@x"), ("u2", "2@x")]

        steps = [step async for step in synchronizer.rebuild_read_model("user_read_model", from_event=0, batch_size=1)]
        assert steps[-1].done == steps[-1].total == 3
        assert await cqrs.read_models.find(UserReadModel) == live
        await synchronizer.stop()


async def test_batch_projection_handler(url: str) -> None:
    sizes: list[int] = []

    class Users(BatchProjectionHandler, writes=[UserReadModel]):
        async def handle_batch(self, events: list[Recorded[UserCreated]], views: Views) -> None:
            sizes.append(len(events))
            for event in events:
                data, at = event.data, event.metadata.timestamp
                row = UserReadModel(id=data.user_id, email=data.email, name=data.name, created_at=at, updated_at=at)
                await views.insert(row)

    cqrs = CQRSManager(
        url, projections=[Users(batch_size=10, flush_interval=0.05, parallelism=1)], run_projections=False
    )
    cqrs.register(UserCommandHandler(cqrs.repository(User), cqrs.event_bus))
    async with cqrs:
        for n in range(25):
            await cqrs.commands.execute(CreateUser(user_id=f"u{n}", email=f"{n}@x", name="N"))
        await cqrs.synchronizer.start()
        await cqrs.synchronizer.caught_up()
        assert await cqrs.read_models.count(UserReadModel) == 25
        assert max(sizes) <= 10
        assert sum(sizes) == 25


# -- buses -----------------------------------------------------------------------


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


# -- its siblings: the log -------------------------------------------------------


async def test_events_by_type_date_metadata_and_category(cqrs: CQRSManager) -> None:
    await cqrs.commands.execute(JOHN, context=Context(principal="ada", headers={"source": "web"}))
    middle = datetime.now(UTC)
    await cqrs.commands.execute(UpdateUserEmail(user_id="u1", new_email="b@x"), context=Context(principal="bob"))

    async def types(events: AsyncIterator[Recorded[object]]) -> list[str]:
        return [event.type async for event in events]

    both = ["UserCreated", "UserEmailChanged"]
    assert await types(cqrs.read_log()) == both
    assert await types(cqrs.read_log(category="user")) == both
    assert await types(cqrs.read_log(category="order")) == []
    assert await types(cqrs.read_log(types=[UserEmailChanged])) == both[1:]
    assert await types(cqrs.read_log(until=middle)) == both[:1]
    assert await types(cqrs.read_log(since=middle)) == both[1:]
    assert await types(cqrs.read_log(metadata={"principal": "bob"})) == both[1:]
    assert await types(cqrs.read_log(metadata={"source": "web"})) == both[:1]
    assert await types(cqrs.read_log(limit=1)) == both[:1]


async def test_subscribe_from_the_start_and_live(cqrs: CQRSManager) -> None:
    await cqrs.commands.execute(JOHN)
    events = cqrs.subscribe(category="user", after="start")
    first = await anext(events)
    waiting = asyncio.ensure_future(anext(events))
    await cqrs.commands.execute(UpdateUserEmail(user_id="u1", new_email="b@x"))
    second = await waiting
    assert [first.version, second.version] == [1, 2]
    resumed = cqrs.subscribe(category="user", after=first.position)
    assert (await anext(resumed)).version == 2


async def test_replay(cqrs: CQRSManager) -> None:
    await cqrs.commands.execute(JOHN)
    await cqrs.commands.execute(UpdateUserEmail(user_id="u1", new_email="b@x"))
    assert [event.type async for event in cqrs.replay(speed=1000.0)] == ["UserCreated", "UserEmailChanged"]


# -- helpers of these tests ------------------------------------------------------


def _has_at(command: object) -> str | None:
    assert isinstance(command, CreateUser)
    return None if "@" in command.email else "email has no @"
