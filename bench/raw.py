"""Raw: what a patient author writes by hand on the plain driver. The engine's own tables and indexes, the same rows.

It knows that it is alone, so it keeps heads and versions in variables; nothing faster keeps the same promises.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast
from zlib import crc32

import apsw
import msgspec

from bench.domain import Credited
from headwater.domain.event import NewEvent

__all__ = ["RawStore", "RawStream"]

INSERT_STREAM = """
    INSERT INTO headwater_streams (id, name, category, partition_key, version, last_timestamp, chain)
    VALUES (?, ?, 'account', NULL, 0, 0, 0)
"""
COUNT_STREAM = """
    INSERT INTO headwater_categories (name, streams) VALUES ('account', 1)
    ON CONFLICT DO UPDATE SET streams = streams + 1
"""
UPDATE_STREAM = """
    UPDATE headwater_streams SET version = ?, last_timestamp = ?, chain = ? WHERE id = ? AND version = ?
"""
INSERT_EVENT = """
    INSERT INTO events ("offset", stream, version, event_id, timestamp, type, schema, data, context, topic, checksum)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
SELECT_STREAM = "SELECT type, data FROM events WHERE stream = ? ORDER BY version"
SELECT_LOG = """
    SELECT event.type, event.data, stream.name
    FROM events AS event JOIN headwater_streams AS stream ON stream.id = event.stream
    WHERE event."offset" >= ? ORDER BY event."offset" LIMIT ?
"""
COUNT_CREDIT = """
    INSERT INTO account_views (account, balance, credits) VALUES (?, ?, 1)
    ON CONFLICT (account) DO UPDATE SET balance = balance + excluded.balance, credits = credits + 1
"""
INSERT_ENTRY = "INSERT INTO entries (number, account, amount) VALUES (?, ?, ?)"
SELECT_VIEW = "SELECT account, balance, credits FROM account_views WHERE account = ?"
MOVE_CHECKPOINT = """
    INSERT INTO headwater_checkpoints (projection, partition, generation, key_range, "offset", epoch, effects)
    VALUES ('by_hand', 0, 0, 0, ?, 1, 0)
    ON CONFLICT DO UPDATE SET "offset" = excluded."offset"
"""

_DECODERS = {"Credited": msgspec.json.Decoder(Credited).decode}


class RawStream:
    """Where a stream stands."""

    __slots__ = ("chain", "id", "version")

    def __init__(self, id: int) -> None:
        self.id = id
        self.version = 0
        self.chain = 0


class RawStore:
    """One connection on a store's file, with the engine's durability and cache."""

    def __init__(self, path: Path) -> None:
        self.connection = apsw.Connection(str(path), statementcachesize=256)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-32768", "wal_autocheckpoint=4000"):
            self.connection.execute(f"PRAGMA {pragma}")
        self.execute = self.connection.execute
        self.offset = int(self.execute('SELECT coalesce(max("offset") + 1, 0) FROM events').get)
        self.streams = int(self.execute("SELECT coalesce(max(id), 0) FROM headwater_streams").get)

    def close(self) -> None:
        self.connection.close()

    def stream(self, name: str) -> RawStream:
        """A new stream, in a transaction of its own."""
        self.streams += 1
        self.execute("BEGIN IMMEDIATE")
        self.execute(INSERT_STREAM, (self.streams, name))
        self.execute(COUNT_STREAM)
        self.execute("COMMIT")
        return RawStream(self.streams)

    def append(self, stream: RawStream, event: NewEvent) -> None:
        """One event, one transaction."""
        self.execute("BEGIN IMMEDIATE")
        self.write(stream, event)
        self.execute("COMMIT")

    def write(self, stream: RawStream, event: NewEvent) -> None:
        """One event, in the running transaction."""
        now = time.time_ns() // 1_000
        seen, stream.version = stream.version, stream.version + 1
        stream.chain = crc32(event.data, stream.chain)
        self.execute(UPDATE_STREAM, (stream.version, now, stream.chain, stream.id, seen))
        row = (self.offset, stream.id, stream.version, event.event_id, now, event.type, event.schema, event.data)
        self.execute(INSERT_EVENT, (*row, b"", None, stream.chain))
        self.offset += 1

    def load(self, stream: RawStream) -> int:
        """Select, typed decode and evolve: the balance."""
        balance = 0
        for type, data in self.execute(SELECT_STREAM, (stream.id,)):
            match _DECODERS[type](data):
                case Credited(amount=amount):
                    balance += amount
        return balance

    def project(self, start: int, limit: int) -> int:
        """One batch from the log into the view with its checkpoint, in one transaction; how many events."""
        rows = cast("list[tuple[str, bytes, str]]", self.execute(SELECT_LOG, (start, limit)).fetchall())
        return self.count(start, [(name, _DECODERS[type](data).amount) for type, data, name in rows])

    def count(self, start: int, credits: Sequence[tuple[str, int]]) -> int:
        """Only the writing of a batch: views and checkpoint, in one transaction; how many events."""
        self.execute("BEGIN IMMEDIATE")
        self.connection.executemany(COUNT_CREDIT, credits)
        self.execute(MOVE_CHECKPOINT, (start + len(credits),))
        self.execute("COMMIT")
        return len(credits)

    def copy(self, start: int, limit: int) -> int:
        """One page from the log into a table of a row for each event, as `project` does it; how many events."""
        rows = cast("list[tuple[str, bytes, str]]", self.execute(SELECT_LOG, (start, limit)).fetchall())
        entries = [
            (number, name, _DECODERS[type](data).amount) for number, (type, data, name) in enumerate(rows, start)
        ]
        self.execute("BEGIN IMMEDIATE")
        self.connection.executemany(INSERT_ENTRY, entries)
        self.execute(MOVE_CHECKPOINT, (start + len(entries),))
        self.execute("COMMIT")
        return len(entries)

    def view(self, account: str) -> object:
        """The row of an account."""
        return self.execute(SELECT_VIEW, (account,)).get
