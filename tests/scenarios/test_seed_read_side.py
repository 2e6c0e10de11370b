"""The seed, name by name: queries and read models."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from examples.users.messages import (
    GetUserById,
    GetUserStatistics,
    SearchUsers,
)
from examples.users.read_model import UserReadModel
from headwater import (
    CQRSManager,
    field,
)
from headwater.errors import BadDeclaration
from tests.scenarios.seed import JOHN


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
