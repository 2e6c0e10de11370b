"""eventsourcing: loads of an aggregate of 1,000 events from SQLite (its defaults: WAL, FULL; no snapshot, no cache)."""

from __future__ import annotations

from importlib.metadata import version
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from bench.serving import database, serve


class Account(Aggregate):
    @event("Opened")
    def __init__(self) -> None:
        self.balance = 0

    @event("Credited")
    def credit(self, amount: int) -> None:
        self.balance += amount


class Bank(Application[UUID]):
    pass


def main() -> None:
    bank = Bank(env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": database()})
    account = Account()
    for _ in range(999):
        account.credit(10)
    bank.save(account)

    def load(number: int) -> None:
        for _ in range(number):
            loaded = bank.repository.get(account.id)
            assert (loaded.version, loaded.balance) == (1_000, 9_990)

    serve(version("eventsourcing"), load)


if __name__ == "__main__":
    main()
