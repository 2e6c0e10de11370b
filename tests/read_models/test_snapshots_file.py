"""A snapshot's file: every byte counts, nothing is unpacked beyond what it says; it is there whole or not at all."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest
import zstandard

from headwater.errors import LimitExceeded
from headwater.models.model import Key, ReadModel, schema_of
from headwater.ports.parking import ParkedEvent
from headwater.read_models.snapshots_blocks import LARGEST, BlockWriter, Kind, compressor
from headwater.read_models.snapshots_folder import SnapshotFolder
from headwater.read_models.snapshots_header import Header, Landmark, declared_model
from headwater.read_models.snapshots_reading import SnapshotContents, SnapshotRows, examined
from headwater.read_models.snapshots_writing import SnapshotWriter


class Thing(ReadModel, table="snapshot_things"):
    id: Key[int]
    name: str = ""
    data: bytes = b""
    weight: float | None = None


THINGS = [
    Thing(id=number, name=f"thing {number}", data=bytes([number % 256]), weight=number / 3) for number in range(90)
]
PARKED = ParkedEvent(projection="things", partition=1, offset=7, key="k", type="T", error="no", trace="é", data=b"{}")
HEADER = Header(
    store_id="s",
    projection="things",
    version=3,
    fingerprint="f",
    key_ranges=1,
    partitions=2,
    taken_at=5,
    landmarks=tuple(
        [Landmark(partition=n, key_range=0, offset=n * 9, effects=n, event_id=bytes(16)) for n in range(2)]
    ),
    models=(declared_model(Thing),),
)


@pytest.fixture(params=[True, False], ids=["compressed", "plain"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "file"
    written(path, request.param)
    return path


def written(path: Path, compress: bool = True, header: Header = HEADER) -> None:
    writer = SnapshotWriter(path, header, [Thing], compress)
    writer.begin()
    writer.add([PARKED])
    for start in range(0, 90, 30):
        writer.add(THINGS[start : start + 30])
    writer.finish()


def test_it_comes_back_as_it_was_written(path: Path) -> None:
    found = examined(path)
    assert (found.damage, found.header, found.rows, found.size) == ("", HEADER, 90, path.stat().st_size)
    with path.open("rb") as file:
        contents = SnapshotContents(file)
        parked, *rest = contents
        assert parked == [PARKED]
        rows = [row for part in rest if isinstance(part, SnapshotRows) for row in part.rows]
    assert [schema_of(Thing).to_row(row) for row in rows] == THINGS
    assert contents.digest == found.digest != ""
    assert HEADER.events == 9


def test_a_byte_that_is_another(path: Path) -> None:
    whole = path.read_bytes()
    chance = random.Random(1)
    for place in [*range(80), *chance.choices(range(len(whole)), k=400), *range(len(whole) - 60, len(whole))]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        assert examined(path).damage, place


def test_one_that_ends_early_or_late(path: Path) -> None:
    whole = path.read_bytes()
    for length in {*range(60), *range(len(whole) - 60, len(whole)), *range(0, len(whole), 17)}:
        path.write_bytes(whole[:length])
        assert examined(path).damage == ("it ends too early"), length
    for more in (b"\0", b"more", whole):
        path.write_bytes(whole + more)
        assert examined(path).damage == "bytes follow its end"


def test_blocks_of_two_files(tmp_path: Path) -> None:
    """Each is whole by its checksum, and the digest tells."""
    one, other = tmp_path / "one", tmp_path / "other"
    written(one, False)
    written(other, False, msgspec.structs.replace(HEADER, store_id="t"))
    end = one.read_bytes().index(b"\x02\x00")  # of the header
    other.write_bytes(other.read_bytes()[:end] + one.read_bytes()[end:])
    assert examined(other).damage == "its digest does not match"


def test_one_that_is_no_file(tmp_path: Path) -> None:
    assert "No such file" in examined(tmp_path / "none").damage
    (tmp_path / "text").write_text("headwater rows 2\n" * 9)
    assert examined(tmp_path / "text").damage == "it is no snapshot, or one of another format"


@pytest.mark.parametrize(
    "packed",
    [
        zstandard.ZstdCompressor().compress(bytes(LARGEST * 2)),
        zstandard.ZstdCompressor(write_content_size=False).compress(bytes(LARGEST)),
        zstandard.ZstdCompressor().compress(b"abc") * 2,
        b"no frame",
    ],
    ids=["bomb", "unsized", "two frames", "none"],
)
def test_what_unpacks_to_more_than_it_says_is_not_unpacked(tmp_path: Path, packed: bytes) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        writer = BlockWriter(file, lambda content: packed if content == bytes(len(packed) + 1) else content)
        writer.write(Kind.HEADER, bytes(len(packed) + 1))
        writer.finish(b"\xc0")
    assert examined(path).damage in ("a block is of another size than it says", "a block cannot be decompressed")


def test_a_block_that_says_it_is_larger_than_any_is_not_made_room_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        BlockWriter(file, None)
        file.write(b"\x01\x00" + (LARGEST + 1).to_bytes(4, "big") * 2 + bytes(4))
    assert examined(path).damage == f"a block says that it holds {LARGEST + 1:,} bytes"


@pytest.mark.parametrize(
    ("blocks", "why"),
    [
        ([], "it has no header"),
        ([(Kind.ROWS, b"\x92\x00\x90")], "it has no header"),
        ([(Kind.HEADER, b"")], "a block cannot be read"),
        ([(Kind.HEADER, b"\xc1")], "a block cannot be read"),
        ([(Kind.HEADER, msgspec.msgpack.encode({"projection": 3}))], "a block cannot be read"),
        ([(Kind.HEADER, msgspec.msgpack.encode(HEADER))] * 2, "it has two headers"),
        ([(Kind.HEADER, msgspec.msgpack.encode(HEADER)), (Kind.ROWS, b"\x92\x00\x91\x90")], "more or less"),
        ([(Kind.HEADER, msgspec.msgpack.encode(HEADER)), (Kind.ROWS, b"\x90")], "a block cannot be read"),
    ],
)
def test_blocks_that_are_whole_and_make_no_snapshot(tmp_path: Path, blocks: list[tuple[Kind, bytes]], why: str) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        writer = BlockWriter(file, compressor())
        for kind, content in blocks:
            writer.write(kind, content)
        writer.finish(msgspec.msgpack.encode({"rows": 0, "parked": 0}))
    assert why in examined(path).damage


# -- there whole, or not at all --------------------------------------------------


def test_until_it_is_finished_it_has_another_name(tmp_path: Path) -> None:
    folder = SnapshotFolder(tmp_path / "a" / "b")
    folder.make()
    path = folder.next("things", 5)
    writer = SnapshotWriter(path, HEADER, [Thing], True)
    assert list(path.parent.iterdir()) == []
    writer.begin()
    writer.add(THINGS)
    assert folder.files("things") == []
    (partial,) = folder.partials("things")
    assert list(path.parent.iterdir()) == [partial]
    writer.finish()
    writer.abandon()
    assert list(path.parent.iterdir()) == [path] == folder.files("things")


def test_one_that_was_given_up_is_not_there(tmp_path: Path) -> None:
    writer = SnapshotWriter(tmp_path / "file", HEADER, [Thing], True)
    writer.begin()
    writer.abandon()
    with pytest.raises(ValueError, match="closed file"):
        writer.add(THINGS)
    with pytest.raises(ValueError, match="closed file"):
        writer.finish()
    early = SnapshotWriter(tmp_path / "file", HEADER, [Thing], True)
    early.abandon()
    early.begin()  # in a thread that came to it late
    assert list(tmp_path.iterdir()) == []


def test_names_come_in_the_order_of_time_whatever_the_clock_does(tmp_path: Path) -> None:
    folder = SnapshotFolder(tmp_path)
    taken: list[Path] = []
    for now in (5, 1_700_000_000_000_000, 7, 7):
        taken.append(folder.next("things", now))
        taken[-1].touch()
    folder.next("thing", 9).touch()
    (tmp_path / "things.txt").touch()
    assert folder.files("things") == taken[::-1]


def test_large_pages_become_several_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.read_models.snapshots_writing._BLOCK", 200)
    written(tmp_path / "file")
    with (tmp_path / "file").open("rb") as file:
        pages = [len(part.rows) for part in SnapshotContents(file) if isinstance(part, SnapshotRows)]
    assert sum(pages) == 90
    assert max(pages) < 10


def test_a_row_that_no_block_holds(tmp_path: Path) -> None:
    writer = SnapshotWriter(tmp_path / "file", HEADER, [Thing], True)
    writer.begin()
    with pytest.raises(LimitExceeded, match="a row in a snapshot"):
        writer.add([Thing(id=1, data=bytes(LARGEST))])
    writer.abandon()
