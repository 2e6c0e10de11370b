"""How far work is, where there is no terminal to draw on."""

from __future__ import annotations

import pytest

from headwater.cli.bars import ToldBar, bar


def test_a_line_every_few_seconds_and_none_for_what_is_soon_done(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = 0.0
    told = ToldBar(lambda: seconds)
    told.begin("commands", 20_000)
    for done in (1_000, 2_000, 3_000, 4_000):
        told.reached(done)
        seconds += 2.6
    told.begin("figures", None)
    told.reached(7)
    assert capsys.readouterr().err.splitlines() == ["headwater: commands 3,000 of 20,000", "headwater: figures 7"]


def test_without_a_terminal_nothing_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    with bar() as shown:
        shown.begin("commands", 10)
        shown.reached(5)
    assert capsys.readouterr().err == ""
