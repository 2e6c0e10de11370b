"""eventsource-py: load and save of short aggregates on SQLite, 64 callers at once (its defaults: WAL, FULL).

It needs Python 3.13: this file runs in an environment of its own and imports nothing of headwater.
"""

import asyncio
import logging
import sys
from importlib.metadata import version
from uuid import UUID, uuid4

from eventsource import AggregateRepository, AggregateRoot, DomainEvent, register_event
from eventsource.adapters.sqlite.store import SQLiteEventStore
from pydantic import BaseModel

from bench.serving import database, serve_async


@register_event
class Credited(DomainEvent):
    aggregate_type: str = "Account"
    amount: int


class Balance(BaseModel):
    balance: int = 0


class Account(AggregateRoot[Balance]):
    aggregate_type = "Account"

    def _get_initial_state(self) -> Balance:
        return Balance()

    def _apply(self, event: DomainEvent) -> None:
        state = self._state or self._get_initial_state()
        self._state = Balance(balance=state.balance + event.amount)

    def credit(self, amount: int) -> None:
        self.create_event(Credited, amount=amount)


async def main(callers: int, events: int) -> None:
    """Each caller works on accounts of its own, one after the other, `events` commands on each."""
    logging.disable(logging.CRITICAL)
    async with SQLiteEventStore(database()) as store:
        repository = AggregateRepository(event_store=store, aggregate_factory=Account, enable_tracing=False)

        async def credit(id: UUID) -> None:
            account = await repository.load_or_create(id)
            account.credit(10)
            await repository.save(account)

        async def call(number: int) -> None:
            for count in range(number):
                if count % events == 0:
                    id = uuid4()
                await credit(id)

        async def run(number: int) -> None:
            await asyncio.gather(*(call(number // callers) for _ in range(callers)))

        await serve_async(version("eventsource-py"), run)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
