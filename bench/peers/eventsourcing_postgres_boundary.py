"""eventsourcing: decisions within a boundary of tags on PostgreSQL, in threads on courses of their own.

A decision reads the events of its course, and appends one on condition that there are no others: by its DCB recorder
with tables of tags, whose conditional append is one call of a function on the server; encoded beforehand.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from uuid import uuid4

from eventsourcing.dcb.api import DCBAppendCondition, DCBEvent, DCBQuery, DCBQueryItem
from eventsourcing.dcb.postgres_tt import PostgresDCBRecorderTT

from bench.peers.eventsourcing_postgres_append import datastore
from bench.serving import serve

DATA = b'{"amount":10}'


def main(url: str, threads: int, decisions: int) -> None:
    """`decisions` on a course, then the next."""
    recorder = PostgresDCBRecorderTT(datastore(url, threads))
    recorder.create_table()

    def decide(number: int) -> None:
        for count in range(number):
            if count % decisions == 0:
                course = f"course:{uuid4()}"
            query = DCBQuery([DCBQueryItem(tags=[course])])
            found = recorder.read(query)
            assert len(list(found)) == count % decisions
            event = DCBEvent("Subscribed", DATA, [course, f"student:{count}"])
            recorder.append([event], DCBAppendCondition(query, found.head))

    with ThreadPoolExecutor(threads) as pool:
        serve(version("eventsourcing"), lambda number: list(pool.map(decide, [number // threads] * threads)))
    recorder.datastore.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
