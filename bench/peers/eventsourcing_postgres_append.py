"""eventsourcing: one event for each insert by its PostgreSQL recorder, encoded beforehand, in several threads."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from bench.serving import serve

DATA = b'{"amount":10}'
TOPIC = "bench.domain:Account.Credited"


def datastore(url: str, connections: int) -> PostgresDatastore:
    """Its pool, with a connection for each thread."""
    parts = urlsplit(url)
    os.environ["PGPASSFILE"] = parse_qs(parts.query)["passfile"][0]
    return PostgresDatastore(
        parts.path[1:], parts.hostname or "", parts.port or 5432, parts.username or "", "", pool_size=connections
    )


def main(url: str, threads: int) -> None:
    recorder = PostgresApplicationRecorder(datastore(url, threads))
    recorder.create_table()

    def append(number: int) -> None:
        id = uuid4()
        for count in range(number):
            recorder.insert_events([StoredEvent(id, count + 1, TOPIC, DATA)])

    with ThreadPoolExecutor(threads) as pool:
        serve(version("eventsourcing"), lambda number: list(pool.map(append, [number // threads] * threads)))
    recorder.datastore.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
