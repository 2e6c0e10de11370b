"""The page on the read side is a program: its blocks run as they stand."""

from __future__ import annotations

from pathlib import Path

from tests.docs.program import run_page


def test_every_chapter_holds(tmp_path: Path) -> None:
    assert run_page("read-side.md", tmp_path) == "every chapter holds\n"
