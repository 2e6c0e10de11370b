"""eventsourcing: events projected into a SQLite view with atomic tracking, as its ProjectionRunner does it.

Its SQLite recorder has no subscription, so the events are in memory, which is in its favour. They are stored before the
clock starts; the view's file is at its default, WAL and FULL.
"""

from __future__ import annotations

from importlib.metadata import version
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, DomainEventProtocol, event
from eventsourcing.persistence import Tracking
from eventsourcing.projection import ApplicationSubscription, Projection
from eventsourcing.sqlite import SQLiteDatastore, SQLiteTrackingRecorder

from bench.serving import database, serve

ACCOUNTS = 1_000
COUNT_CREDIT = """
    INSERT INTO account_views VALUES (?, ?, 1)
    ON CONFLICT (account) DO UPDATE SET balance = balance + excluded.balance, credits = credits + 1
"""


class Account(Aggregate):
    @event("Opened")
    def __init__(self) -> None:
        self.balance = 0

    @event("Credited")
    def credit(self, amount: int) -> None:
        self.balance += amount


class Bank(Application[UUID]):
    pass


class Views(SQLiteTrackingRecorder):
    def credited(self, account: str, amount: int, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(COUNT_CREDIT, (account, amount))
            self._insert_tracking(cursor, tracking)


class Accounts(Projection[Views]):
    name = "accounts"

    @singledispatchmethod
    def process_event(self, domain_event: DomainEventProtocol[UUID], tracking: Tracking) -> None:
        amount = getattr(domain_event, "amount", 0)
        self.view.credited(str(domain_event.originator_id), amount, tracking)


def stored(bank: Bank, number: int) -> None:
    left, accounts = number, min(ACCOUNTS, number)
    for count in range(accounts):
        account = Account()
        for _ in range(left // (accounts - count) - 1):
            account.credit(10)
        bank.save(account)
        left -= account.version


class Projecting:
    """Events in memory, and a new view for each run."""

    def __init__(self) -> None:
        self._bank = Bank(env={"PERSISTENCE_MODULE": "eventsourcing.popo"})
        stored(self._bank, 20_000)

    def prepare(self) -> None:
        self._views = Views(SQLiteDatastore(database()))
        self._views.create_table()
        with self._views.datastore.transaction(commit=True) as cursor:
            cursor.execute("CREATE TABLE account_views (account TEXT PRIMARY KEY, balance INTEGER, credits INTEGER)")

    def run(self, number: int) -> None:
        projection = Accounts(self._views)
        with ApplicationSubscription(self._bank, gt=None) as subscription:
            for _, (domain_event, tracking) in zip(range(number), subscription, strict=False):
                projection.process_event(domain_event, tracking)


if __name__ == "__main__":
    projecting = Projecting()
    serve(version("eventsourcing"), projecting.run, projecting.prepare)
