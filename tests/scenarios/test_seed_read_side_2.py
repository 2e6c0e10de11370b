"""The seed, name by name: what keeps the read side in step, and what is done when it is not."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from examples.users.aggregate import User
from examples.users.handlers import UserCommandHandler
from examples.users.messages import CreateUser, UpdateUserEmail, UserCreated, UserEmailChanged
from examples.users.read_model import UserReadModel
from headwater import (
    BatchProjectionHandler,
    ConsistencyManager,
    CQRSManager,
    ProjectionHandler,
    Recorded,
    Repository,
    RunnerOptions,
    Views,
    on,
)
from headwater.models.changes import Delete
from headwater.projections.progress import Progress
from headwater.projections.snapshotting import ReadModelSnapshotManager
from headwater.read_models.store import ReadModelStore

FAST = RunnerOptions(retry_delay=0.001, watch_seconds=0.1)


class Users(ProjectionHandler, writes=[UserReadModel]):
    """Refuses the users in `broken`."""

    def __init__(self, *broken: str) -> None:
        self.broken = {*broken}

    @on(UserCreated)
    async def created(self, event: Recorded[UserCreated], views: Views) -> None:
        data, at = event.data, event.metadata.timestamp
        if data.user_id in self.broken:
            raise RuntimeError("cannot handle this")
        await views.insert(
            UserReadModel(id=data.user_id, email=data.email, name=data.name, created_at=at, updated_at=at)
        )

    @on(UserEmailChanged)
    async def changed(self, event: Recorded[UserEmailChanged], views: Views) -> None:
        await views.update(UserReadModel, event.data.user_id, email=event.data.new_email)


def application(url: str, *projections: ProjectionHandler) -> CQRSManager:
    cqrs = CQRSManager(url, projections=projections, runner=FAST)
    cqrs.register(UserCommandHandler(cqrs.repository(User), cqrs.event_bus))
    return cqrs


async def create(cqrs: CQRSManager, *numbers: int) -> None:
    for n in numbers:
        await cqrs.commands.execute(CreateUser(user_id=f"u{n}", email=f"{n}@x", name="N"))


# -- BatchProjectionHandler({batchSize, flushInterval, parallelism}) --------------------


class UsersInBatches(BatchProjectionHandler, writes=[UserReadModel], key="user_id", name="users"):
    """The order of each user's events is kept, users are handled side by side."""

    def __init__(self) -> None:
        super().__init__(batch_size=8, flush_interval=0.02, parallelism=4)
        self.at_once = self.most_at_once = 0

    @on(UserCreated)
    async def created(self, event: Recorded[UserCreated], views: Views) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        data, at = event.data, event.metadata.timestamp
        await views.insert(
            UserReadModel(id=data.user_id, email=data.email, name=data.name, created_at=at, updated_at=at)
        )

    @on(UserEmailChanged)
    async def changed(self, event: Recorded[UserEmailChanged], views: Views) -> None:
        await views.update(UserReadModel, event.data.user_id, email=event.data.new_email)


async def test_batch_projection_handler_side_by_side(url: str) -> None:
    users = UsersInBatches()
    cqrs = application(url, users)
    await cqrs.initialize(run_projections=False)
    await create(cqrs, *range(20))
    for n in range(20):
        await cqrs.commands.execute(UpdateUserEmail(user_id=f"u{n}", new_email=f"new-{n}@x"))
    await cqrs.synchronizer.start()
    await cqrs.synchronizer.caught_up()
    assert {user.email for user in await cqrs.read_models.find(UserReadModel)} == {f"new-{n}@x" for n in range(20)}
    assert 1 < users.most_at_once <= 4 * cqrs.engine.log.partitions
    await cqrs.close()


# -- rebuildReadModel(name, {fromEvent, batchSize}) ------------------------------------


async def test_rebuild_by_name_with_progress_while_it_is_queried(url: str) -> None:
    async with application(url, Users()) as cqrs:
        await create(cqrs, *range(30))
        await cqrs.synchronizer.caught_up()
        live = await cqrs.read_models.find(UserReadModel)
        seen: list[Progress] = []
        async for progress in cqrs.synchronizer.rebuild_read_model("user_read_model", from_event=0, batch_size=5):
            seen.append(progress)
            assert await cqrs.read_models.find(UserReadModel) == live
        assert (seen[0].total, seen[-1].done, seen[-1].finished) == (30, 30, True)
        assert seen[-1].rate > 0
        assert seen[-1].eta_seconds == 0
        assert await cqrs.read_models.find(UserReadModel) == live
        await create(cqrs, 30)
        await cqrs.synchronizer.caught_up()
        assert await cqrs.read_models.count(UserReadModel) == 31


# -- synchronizer.on('projectionError'), deadLetterQueue ---------------------------------


async def test_dead_letters_are_listed_edited_retried_and_discarded(url: str) -> None:
    users = Users("u1", "u2")
    async with application(url, users) as cqrs:
        heard: list[str] = []
        cqrs.synchronizer.on("projection_error", lambda error, event: heard.append(f"{error} in {event.stream}"))
        await create(cqrs, 0, 1, 2)
        await cqrs.commands.execute(UpdateUserEmail(user_id="u1", new_email="new@x"))
        await cqrs.synchronizer.caught_up()
        letters = cqrs.synchronizer.dead_letters
        parked = {letter.key: letter for letter in await letters.list() if letter.error is not None}
        assert sorted(heard) == ["cannot handle this in user-u1", "cannot handle this in user-u2"]
        assert {key: letter.type for key, letter in parked.items()} == dict.fromkeys(
            ["user-u1", "user-u2"], "UserCreated"
        )
        await letters.discard(Users, parked["user-u2"].offset, parked["user-u2"].partition, by="ops")
        users.broken.clear()
        assert (await letters.retry(Users, key="user-u1", by="ops")).handled == 2
        assert await letters.list() == []
        rows = {user.id: user.email for user in await cqrs.read_models.find(UserReadModel)}
        assert rows == {"u0": "0@x", "u1": "new@x"}
        noted = [(entry.action, entry.by) for entry in await cqrs.engine.journal.entries(action="parked.*")]
        assert noted == [("parked.retry", "ops"), ("parked.discard", "ops")]


# -- ConsistencyManager({maxInconsistencyWindow, reconciliationInterval, consistencyChecks}) --


async def test_consistency_manager_with_the_seeds_check(url: str) -> None:
    """Where the seed says 30000 and 60000 milliseconds, here it is seconds, or timedelta."""
    async with application(url, Users()) as cqrs:

        async def user_count(users: Repository[User], views: ReadModelStore) -> bool:
            return abs(await users.count() - await views.count("user_read_model")) <= 1

        async def rebuild() -> None:
            await cqrs.synchronizer.rebuild_read_model("user_read_model")

        manager = ConsistencyManager(
            cqrs,
            max_inconsistency_window=0.01,
            reconciliation_interval=timedelta(minutes=1),
            consistency_checks=[
                {
                    "name": "user_count_consistency",
                    "check": user_count,
                    "onInconsistency": rebuild,
                }
            ],
        )
        await create(cqrs, 0, 1, 2, 3)
        await cqrs.synchronizer.caught_up()
        assert [result.outcome for result in await manager.run_checks()] == ["ok"]
        rows = await cqrs.read_models.find(UserReadModel)
        await lose(cqrs, *[row.id for row in rows[:3]])
        while [result.outcome for result in await manager.run_checks()] == ["inconsistent"]:
            await cqrs.engine.wakeups.wait(cqrs.engine.wakeups.seen(), 0.01)  # until it has lasted
        repairs = await cqrs.engine.journal.entries(action="repair.user_count_consistency")
        assert [repair.outcome for repair in repairs] == ["done", "begun"]
        assert [result.outcome for result in await manager.run_checks()] == ["ok"]
        assert await cqrs.read_models.find(UserReadModel) == rows


async def lose(cqrs: CQRSManager, *ids: str) -> None:
    """As an accident in the database does, past the projection that owns the rows."""
    await cqrs.engine.projections.write([Delete(UserReadModel, id) for id in ids])


# -- ReadModelSnapshotManager({snapshotInterval, compressionEnabled}) ----------------------


@pytest.mark.transactional
async def test_snapshot_manager(url: str, tmp_path: Path) -> None:
    async with application(url, Users()) as cqrs:
        snapshots = ReadModelSnapshotManager(
            cqrs, directory=tmp_path / "snapshots", snapshot_interval=10, compression_enabled=True
        )
        await create(cqrs, *range(12))
        await cqrs.synchronizer.caught_up()
        async with snapshots:
            while not await snapshots.list("user_read_model"):
                await cqrs.engine.wakeups.wait(cqrs.engine.wakeups.seen(), 0.02)
        (snapshot,) = await snapshots.list(Users)
        assert not snapshot.damage
        await create(cqrs, 12)
        await cqrs.synchronizer.caught_up()
        live = await cqrs.read_models.find(UserReadModel)
        await cqrs.synchronizer.rebuild_read_model(UserReadModel, from_snapshot=True)
        assert await cqrs.read_models.find(UserReadModel) == live
