"""Where the lines come from."""

from __future__ import annotations

import csv
import io
import lzma
from pathlib import Path

import pytest

from headwater.demo.retail.commands import LineCommand
from headwater.demo.retail.data import GENERATED_LINES, Source, find_source
from headwater.demo.retail.lines import COLUMNS
from headwater.errors import InvalidInput
from tests.demo.retail.rows import generated


def as_csv(lines: int) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(generated(lines))
    return text.getvalue()


def read(source: Source) -> list[LineCommand]:
    with source.commands() as commands:
        return list(commands)


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADWATER_DATA", raising=False)


def test_a_file_is_read_compressed_or_not(tmp_path: Path) -> None:
    plain, packed = tmp_path / "lines.csv", tmp_path / "lines.csv.xz"
    plain.write_text(as_csv(50))
    packed.write_bytes(lzma.compress(as_csv(50).encode()))
    assert read(find_source(plain, None)) == read(find_source(packed, None))
    assert len(read(find_source(packed, 7))) == 7


def test_a_command_id_depends_on_the_file_and_the_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(as_csv(5))
    (tmp_path / "b.csv").write_text(as_csv(6))
    a, again, b = (find_source(tmp_path / name, None) for name in ("a.csv", "a.csv", "b.csv"))
    assert a.command_id(1) == again.command_id(1)
    assert len({a.command_id(1), a.command_id(2), b.command_id(1)}) == 3


@pytest.mark.usefixtures("no_data")
def test_without_a_file_lines_are_generated() -> None:
    source = find_source(None, None)
    assert source.path is None
    assert len(read(source)) == GENERATED_LINES
    assert len(read(find_source(None, 3))) == 3


def test_the_data_folder_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_DATA", str(tmp_path))
    assert find_source(None, None).path is None
    (tmp_path / "online_retail").mkdir()
    path = tmp_path / "online_retail" / "events.csv.xz"
    path.write_bytes(lzma.compress(as_csv(2).encode()))
    assert find_source(None, None).path == path


@pytest.mark.parametrize("content", [b"", b"invoice,line\n1,2\n", b"\xff\xfe\x00"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lines.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInput):
        read(find_source(path, None))


def test_a_torn_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv.xz"
    path.write_bytes(lzma.compress(as_csv(2_000).encode())[:-100])
    with pytest.raises(InvalidInput, match="cannot be read"):
        read(find_source(path, None))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        find_source(tmp_path / "none.csv", None)
