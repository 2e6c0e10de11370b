"""What type checkers infer. Both read this file in strict mode; nothing here is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self, assert_type

from headwater import (
    Aggregate,
    Command,
    CommandBus,
    CommandHandler,
    CommandLike,
    CQRSManager,
    Event,
    Fold,
    Indexed,
    Key,
    Latest,
    ProjectionHandler,
    Query,
    QueryBus,
    QueryHandler,
    QueryLike,
    ReadModel,
    Receipt,
    Recorded,
    Repository,
    Token,
    Views,
    handles,
    inline,
    live,
    on,
)
from headwater.domain.decider import Decider


class CreateUser(Command[str]):
    user_id: str
    email: str


class DeleteUser(Command[None]):
    user_id: str


@dataclass(frozen=True)
class CountLogins(CommandLike[int]):
    user_id: str


class UserCreated(Event):
    user_id: str
    email: str


class UserView(ReadModel, table="user_view"):
    id: Key[str]
    email: Indexed[str]


class GetUser(Query["UserView | None"]):
    id: str


class ListUsers(Query[list[UserView]]):
    pass


@dataclass(frozen=True)
class CountUsers(QueryLike[int]):
    pass


class User(Aggregate, category="user"):
    email: str = ""

    @classmethod
    def create(cls, user_id: str, email: str) -> Self:
        return cls.new(user_id, UserCreated(user_id=user_id, email=email), unique=[("user-email", email)])

    @on(UserCreated)
    def created(self, e: UserCreated) -> None:
        assert_type(e.email, str)
        self.email = e.email


class Users(ProjectionHandler, writes=[UserView]):
    @on(UserCreated)
    async def created(self, e: Recorded[UserCreated], views: Views) -> None:
        assert_type(e.data, UserCreated)
        assert_type(e.metadata.principal, str | None)
        await views.insert(UserView(id=e.data.user_id, email=e.data.email))


@handles(CreateUser)
async def create_user(c: CreateUser, users: Repository[User]) -> str:
    await users.save(User.create(c.user_id, c.email))
    return c.user_id


class Accounts(CommandHandler):
    @handles(DeleteUser)
    async def delete(self, c: DeleteUser, users: Repository[User]) -> None:
        assert_type(await users.load(c.user_id), User)
        assert_type(await users.get_by_id(c.user_id), User | None)
        assert_type(await users.exists(c.user_id), bool)
        assert_type(await users.count(), int)

    @handles(CountLogins)
    async def count(self, c: CountLogins) -> int:
        return len(c.user_id)


class UserQueries(QueryHandler):
    async def get_user(self, id: str, views: Views) -> UserView | None:
        assert_type(await views.find_one(UserView, id=id), UserView | None)
        assert_type(await views.find(UserView, order_by="email", limit=10), list[UserView])
        return await views.find_one(UserView, {"id": id})

    @handles(CountUsers)
    async def count_users(self, query: CountUsers, views: Views) -> int:
        return await views.count(UserView)


async def commands(bus: CommandBus) -> None:
    receipt = await bus.execute(CreateUser(user_id="u1", email="a@x"), wait_for=[Users], timeout=1.0)
    assert_type(receipt, Receipt[str])
    assert_type(receipt.result, str)
    assert_type(receipt.token, Token)
    assert_type((await bus.execute(DeleteUser(user_id="u1"))).result, None)
    assert_type((await bus.execute(CountLogins("u1"))).result, int)
    mapping: Mapping[str, object] = {"type": "CreateUser"}
    assert_type((await bus.execute(mapping)).result, object)


async def queries(bus: QueryBus, token: Token) -> None:
    assert_type(await bus.execute(GetUser(id="u1"), at_least=token), UserView | None)
    assert_type(await bus.execute(ListUsers()), list[UserView])
    assert_type(await bus.execute(CountUsers()), int)
    assert_type(await bus.execute({"type": "GetUser", "params": {"id": "u1"}}), object)


async def manager(cqrs: CQRSManager) -> None:
    assert_type(cqrs.repository(User), Repository[User])
    assert_type((await cqrs.commands.execute(CreateUser(user_id="u1", email="a@x"))).result, str)
    assert_type(await cqrs.queries.execute(GetUser(id="u1")), UserView | None)


def decide(command: CreateUser, state: str) -> Sequence[UserCreated]:
    return [] if state else [UserCreated(user_id=command.user_id, email=command.email)]


def nobody() -> str:
    return ""


def evolve(state: str, event: UserCreated) -> str:
    return event.email


decider = Decider(
    category="user",
    commands=(CreateUser,),
    events=(UserCreated,),
    stream_id=lambda command: command.user_id,
    initial=nobody,
    decide=decide,
    evolve=evolve,
)
assert_type(decider, Decider[CreateUser, str, UserCreated])
assert_type(decider.fold([UserCreated(user_id="u1", email="a@x")]), str)
assert_type(User.create("u1", "a@x"), User)


class Names(Fold[UserView], category="user"):
    @on(UserCreated)
    def created(self, row: UserView | None, e: Recorded[UserCreated]) -> UserView | None:
        assert_type(e.data.email, str)
        return UserView(id=e.data.user_id, email=e.data.email)


assert_type(inline(Users()), Users)
assert_type(live(inline(Names())), Names)


async def latest(given: Latest, cqrs: CQRSManager) -> None:
    assert_type(await given.fetch_latest(UserView, "u1"), UserView | None)
    assert_type(await cqrs.fetch_latest(UserView, "u1"), UserView | None)
    async with given.fetch_for_writing(UserView, "u1") as user:
        assert_type(user.row, UserView | None)
        assert_type(user.version, int)
    async with cqrs.fetch_for_writing(UserView, "u1", partition_key="x") as same:
        assert_type(same.row, UserView | None)


async def subscriptions(bus: QueryBus) -> None:
    async for update in bus.subscribe(GetUser(id="u1")):
        assert_type(update.answer, UserView | None)
        assert_type(update.cursor, str)
    async with bus.subscribe(CountUsers(), after="cursor", min_interval=1.0) as counts:
        assert_type((await anext(counts)).answer, int)
    assert_type((await anext(bus.subscribe({"type": "GetUser", "params": {"id": "u1"}}))).answer, object)
