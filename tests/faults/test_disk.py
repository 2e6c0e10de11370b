"""What a power cut may leave is what it really may: never less than was synced, never what was never written."""

from __future__ import annotations

import random

from tests.faults.disk import SECTOR, Disk
from tests.faults.recording_vfs import Deleted, Operation, Synced, Truncated, Wrote

OLD, NEW = b"o" * 3 * SECTOR, b"n" * 3 * SECTOR


def left(*operations: Operation, cuts: int = 300) -> list[dict[str, bytes]]:
    disk = Disk()
    for operation in operations:
        disk.do(operation)
    chance = random.Random(1)
    return [disk.cut(chance) for _ in range(cuts)]


def test_what_was_synced_stays() -> None:
    assert all(image == {"db": OLD} for image in left(Wrote("db", 0, OLD), Synced("db")))


def test_what_was_not_synced_may_be_there_or_not_or_in_sectors() -> None:
    images = {image["db"] for image in left(Wrote("db", 0, OLD), Synced("db"), Wrote("db", 0, NEW))}
    assert {OLD, NEW} < images
    sectors = {image[start : start + SECTOR] for image in images for start in range(0, len(OLD), SECTOR)}
    assert sectors == {OLD[:SECTOR], NEW[:SECTOR]}
    assert len(images) == 2**3


def test_sectors_are_those_of_the_file_not_of_the_write() -> None:
    images = {image["db"] for image in left(Wrote("db", 0, OLD), Synced("db"), Wrote("db", SECTOR - 10, NEW[:20]))}
    begun, ended = OLD[: SECTOR - 10] + NEW[:10] + OLD[SECTOR:], OLD[:SECTOR] + NEW[:10] + OLD[SECTOR + 10 :]
    assert {begun, ended} < images


def test_a_truncation_needs_a_sync_too() -> None:
    written = (Wrote("db", 0, OLD), Synced("db"), Truncated("db", SECTOR))
    assert {len(image["db"]) for image in left(*written)} == {SECTOR, 3 * SECTOR}
    assert {len(image["db"]) for image in left(*written, Synced("db"))} == {SECTOR}


def test_a_sync_is_for_its_own_file() -> None:
    images = left(Wrote("db", 0, OLD), Wrote("db-wal", 0, OLD), Synced("db-wal"))
    assert {image["db-wal"] for image in images} == {OLD}
    assert {len(image["db"]) for image in images} >= {0, 3 * SECTOR}


def test_a_deletion_may_be_undone_until_the_folder_is_synced() -> None:
    deleted = (Wrote("db-journal", 0, OLD), Synced("db-journal"), Deleted("db-journal", durable=False))
    assert {image.get("db-journal") for image in left(*deleted)} == {None, OLD}
    new_log = (Wrote("db-wal", 0, NEW), Synced("db-wal"))
    assert {image.get("db-journal") for image in left(*deleted, *new_log)} == {None}
    assert left(*deleted[:2], Deleted("db-journal", durable=True)) == [{}] * 300
