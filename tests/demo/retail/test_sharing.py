"""Processes that share the work."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import msgspec
import pytest

from headwater.demo.retail.data import find_source
from headwater.demo.retail.sharing import Part, PartFailed, send_in_processes
from headwater.demo.sending import Share
from tests.demo.retail.rows import place


def part(url: str, lines: int, share: Share) -> Part:
    source = find_source(None, lines)
    return Part(url=url, source=source, share=share, workers=8)


@pytest.fixture(autouse=True)
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADWATER_DATA", raising=False)


def test_each_invoice_is_in_exactly_one_share() -> None:
    for number in range(50):
        command = place(invoice=str(number))
        holders = [index for index in range(3) if Share(index, 3).has(command)]
        assert holders == [zlib.crc32(command.invoice.encode()) % 3]
        assert Share().has(command)


async def test_the_shares_add_up(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    parts = [part(url, 200, Share(index, 2)) for index in range(2)]
    sent = await send_in_processes(parts)
    assert (sent.sent, sent.known, sent.refused) == (200, 0, 0)
    again = await send_in_processes(parts)
    assert (again.sent, again.known) == (0, 200)


async def test_a_process_that_fails_is_named_with_its_reason(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/no/such/folder/a.db"
    with pytest.raises(PartFailed, match="StoreUnavailable"):
        await send_in_processes([part(url, 10, Share())])


def test_a_share_ends_with_the_process_that_asked_for_it(tmp_path: Path) -> None:
    endless = part(f"sqlite:///{tmp_path}/a.db", 10_000_000, Share())
    command = [sys.executable, "-m", "headwater.demo.retail.sharing"]
    given = msgspec.json.encode(endless) + b"\n"
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stdout == b""
