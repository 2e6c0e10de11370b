"""The seed, name by name: projections and their synchronizer."""

from __future__ import annotations

from examples.users.aggregate import User
from examples.users.handlers import UserCommandHandler, UserProjectionHandler, UserQueryHandler
from examples.users.messages import (
    CreateUser,
    GetUserById,
    UpdateUserEmail,
    UserCreated,
    UserEmailChanged,
)
from examples.users.read_model import UserReadModel
from headwater import (
    BatchProjectionHandler,
    CQRSManager,
    ProjectionHandler,
    ReadModelSynchronizer,
    Recorded,
    Views,
    on,
)
from tests.scenarios.seed import JOHN


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
