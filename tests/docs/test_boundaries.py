"""The page on boundaries is a program: its blocks run as they stand."""

from __future__ import annotations

from pathlib import Path

from tests.docs.program import run_page


def test_every_block_holds(tmp_path: Path) -> None:
    assert run_page("boundaries.md", tmp_path) == "the rule holds\n"
