"""The domain every benchmark uses: accounts that are credited."""

from __future__ import annotations

from headwater import (
    Aggregate,
    Command,
    Event,
    Key,
    ProjectionHandler,
    Query,
    ReadModel,
    Recorded,
    Repository,
    Views,
    handles,
    on,
)
from headwater.domain.event import NewEvent
from headwater.handling.ids import uuid7

__all__ = [
    "DATA",
    "Account",
    "AccountView",
    "Accounts",
    "Credit",
    "Credited",
    "GetAccount",
    "credit",
    "get_account",
    "new_event",
]

DATA = b'{"amount":10}'


class Credited(Event, name="Credited"):
    amount: int


class Credit(Command[int]):
    account: str
    amount: int


class GetAccount(Query["AccountView | None"]):
    account: str


class Account(Aggregate, category="account"):
    balance: int = 0

    def credit(self, amount: int) -> None:
        if amount <= 0:
            raise ValueError("a credit is positive")
        self.emit(Credited(amount=amount))

    @on(Credited)
    def credited(self, event: Credited) -> None:
        self.balance += event.amount


class AccountView(ReadModel, table="account_views"):
    account: Key[str]
    balance: int = 0
    credits: int = 0


class Accounts(ProjectionHandler, writes=[AccountView]):
    @on(Credited)
    async def credited(self, event: Recorded[Credited], views: Views) -> None:
        await views.add(AccountView, event.stream, balance=event.data.amount, credits=1)


@handles(Credit)
async def credit(command: Credit, accounts: Repository[Account]) -> int:
    account = await accounts.get_by_id(command.account) or Account(command.account)
    account.credit(command.amount)
    await accounts.save(account)
    return account.balance


@handles(GetAccount)
async def get_account(query: GetAccount, views: Views) -> AccountView | None:
    return await views.get(AccountView, query.account)


def new_event() -> NewEvent:
    """A credit of 10, encoded."""
    return NewEvent(uuid7(), "Credited", 1, DATA)
