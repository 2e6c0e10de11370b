"""Where the entries come from."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from headwater.demo.incidents.commands import EntryCommand
from headwater.demo.incidents.data import GENERATED_LINES, Source, find_source
from headwater.errors import InvalidInput
from tests.demo.incidents.rows import generated, write


def read(source: Source) -> list[EntryCommand]:
    with source.commands() as commands:
        return list(commands)


def test_a_file_is_read_compressed_or_not(tmp_path: Path) -> None:
    plain, packed = write(tmp_path, generated(50)), tmp_path / "events.csv.xz"
    packed.write_bytes(lzma.compress(plain.read_bytes()))
    assert read(find_source(plain, None)) == read(find_source(packed, None))
    assert len(read(find_source(packed, 7))) == 7


def test_a_command_id_depends_on_the_file_and_the_line(tmp_path: Path) -> None:
    path = write(tmp_path, generated(5))
    a, again = find_source(path, None), find_source(path, None)
    path.write_text(path.read_text() + "\n")
    assert a.command_id(1) == again.command_id(1)
    assert len({a.command_id(1), a.command_id(2), find_source(path, None).command_id(1)}) == 3


def test_without_a_file_entries_are_generated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADWATER_DATA", raising=False)
    source = find_source(None, None)
    assert source.path is None
    assert len(read(source)) == GENERATED_LINES
    assert len(read(find_source(None, 3))) == 3


def test_the_data_folder_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_DATA", str(tmp_path))
    assert find_source(None, None).path is None
    (tmp_path / "incidents").mkdir()
    path = tmp_path / "incidents" / "events.csv.xz"
    path.write_bytes(lzma.compress(write(tmp_path, generated(2)).read_bytes()))
    assert find_source(None, None).path == path


@pytest.mark.parametrize("content", [b"", b"number,line\n1,2\n", b"\xff\xfe\x00"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "entries.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInput):
        read(find_source(path, None))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        find_source(tmp_path / "none.csv", None)
