"""Verbs that change the store's file."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from headwater.cli.exits import ExitCode
from tests.cli.conftest import Line


def test_a_backup_is_restored(line: Line, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    made = cast("dict[str, object]", line.json("backup", str(copy)))
    assert made["size_bytes"] == copy.stat().st_size
    assert line("backup", str(copy)).exit_code == ExitCode.USAGE
    line.announce(("d", "later"))
    assert line("restore", str(copy)).exit_code == ExitCode.USAGE
    assert line("restore", str(copy), "--dry-run").stdout.startswith("would replace the store")
    assert cast("dict[str, object]", line.json("status"))["events"] == 4
    assert line("restore", str(copy), "--yes").exit_code == 0
    assert cast("dict[str, object]", line.json("status"))["events"] == 3


def test_a_restore_to_a_new_place_needs_no_yes(line: Line, tmp_path: Path) -> None:
    copy, new = tmp_path / "copy.db", f"sqlite:///{tmp_path}/new.db"
    line("backup", str(copy))
    assert line("restore", str(copy), url=new).exit_code == 0
    assert "board-a" in line("streams", "ls", url=new).stdout


def test_a_damaged_store_fails_verification(line: Line) -> None:
    content = line.path.read_bytes()
    assert content.count(b'{"text":"one"}') == 1
    line.path.write_bytes(content.replace(b'{"text":"one"}', b'{"text":"0ne"}'))
    found = cast("dict[str, list[dict[str, object]]]", line.json("verify", code=ExitCode.WRONG))
    assert found["findings"][0]["severity"] == "error"
