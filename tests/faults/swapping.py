"""swapping: a generation is replaced while a process that fills it is frozen before its commit; then it thaws."""

from __future__ import annotations

from tests.faults.freezing import frozen_before_commit, thawed
from tests.faults.history import Findings
from tests.faults.report import Row, control, row
from tests.faults.shared import PARTITIONS, all_miscounted, put_at_last, shared
from tests.faults.sharing import a_runner
from tests.faults.stores import ON_SQLITE, Stores

__all__ = ["swap_under_careless", "swap_under_late", "swap_under_zombie"]


async def swap_under_zombie(rounds: int, stores: Stores = ON_SQLITE) -> Row:
    """A rebuild ends while a worker of the old generation is frozen: its commit is refused, the new rows are exact."""
    events, refused, found = await _rounds(rounds, stores, "pausing")
    if refused < rounds:
        found.other.append(f"{rounds - refused} workers of a generation no longer served were not refused")
    return row(f"{stores.title}frozen before its commit while its generation is replaced", events, rounds, found)


async def swap_under_late(rounds: int, stores: Stores) -> Row:
    """On Cassandra: it is frozen when it has read rows, and writes to those of the generation that was replaced."""
    events, refused, found = await _rounds(rounds, stores, "late")
    if refused < rounds:
        found.other.append(f"{rounds - refused} workers of a generation no longer served were not refused")
    promise = f"{stores.title}frozen between reading rows and writing them while its generation is replaced"
    return row(promise, events, rounds, found)


async def swap_under_careless(rounds: int, stores: Stores = ON_SQLITE) -> Row:
    """The control: the worker's store takes whatever generation is served for its own, and no heed of epochs."""
    events, _, found = await _rounds(rounds, stores, "misplaced")
    wrong = Findings(lost=[*found.lost, *found.duplicated, *found.reordered])
    return control(
        f"{stores.title}a store that takes what is served for its own, thawed after a swap", events, rounds, wrong
    )


async def _rounds(rounds: int, stores: Stores, zombies: str) -> tuple[int, int, Findings]:
    """Events, how many zombies were refused, and what is wrong afterwards."""
    findings, refused = Findings(), 0
    async with stores.new(PARTITIONS) as url:
        async with shared(url, run_projections=False) as cqrs:
            for number in range(rounds):
                async with a_runner(url, zombies) as zombie:
                    await put_at_last(cqrs.engine, str(number % 7), 25)
                    place, _ = await frozen_before_commit(zombie)
                    await put_at_last(
                        cqrs.engine, str(number % 7), 5
                    )  # what the zombie has of these rows is old by then
                    await cqrs.synchronizer.rebuild_read_model(place.projection, batch_size=10)
                    refused += await thawed(zombie) == "refused"
        events, found = await all_miscounted(url)
        findings.add(found)
    return events, refused, findings
