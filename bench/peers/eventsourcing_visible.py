"""eventsourcing: from when a command is due until the runner's `wait` returns; a command loads, credits and saves.

On SQLite its ProjectionRunner raises NotImplementedError, so the events are in memory, which is in its favour; the
view is a SQLite file at its default, WAL and FULL, with tracking in the same transaction.
"""

from __future__ import annotations

from importlib.metadata import version
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, DomainEventProtocol, event
from eventsourcing.persistence import Tracking
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.sqlite import SQLiteTrackingRecorder

from bench.pace import paced_in_threads, percentiles
from bench.serving import database, serve_answers

STREAMS = 100
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
    def create_table(self) -> None:
        super().create_table()
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute("CREATE TABLE account_views (account TEXT PRIMARY KEY, balance INTEGER, credits INTEGER)")

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


def main() -> None:
    environment = {
        "BANK_PERSISTENCE_MODULE": "eventsourcing.popo",
        "ACCOUNTS_PERSISTENCE_MODULE": "eventsourcing.sqlite",
        "ACCOUNTS_SQLITE_DBNAME": database(),
    }
    with ProjectionRunner(
        application_class=Bank, projection_class=Accounts, view_class=Views, env=environment
    ) as runner:
        bank = runner.app

        def run(number: int) -> tuple[float, float]:
            accounts = [Account() for _ in range(STREAMS)]
            for account in accounts:
                saved = bank.save(account)
            runner.wait(saved[-1].notification.id, timeout=60)

            def act(count: int) -> None:
                account: Account = bank.repository.get(accounts[count % STREAMS].id)
                account.credit(10)
                runner.wait(bank.save(account)[-1].notification.id, timeout=60)

            return percentiles(paced_in_threads(number, act))

        serve_answers(version("eventsourcing"), run)


if __name__ == "__main__":
    main()
