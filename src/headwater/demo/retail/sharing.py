"""Sharing: several processes send the lines of one file into one store, each its share of the invoices.

`python -m headwater.demo.retail.sharing` is one of them: it reads its `Part` from a line of standard input, prints
what it `Sent`, and projects while it sends, wherever it gets a lease.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from threading import Thread

import msgspec

from headwater import HeadwaterError
from headwater.demo.retail.data import Source
from headwater.demo.retail.resuming import stored_lines
from headwater.demo.retail.shop import shop
from headwater.demo.sending import Sender, Sent, Share

__all__ = ["Part", "PartFailed", "send_in_processes"]


class PartFailed(HeadwaterError):
    """A process that sent a share of the lines ended before it was done: run the job again, it goes on from there."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one process is to do."""

    url: str
    read_url: str | None = None
    source: Source
    share: Share
    workers: int


async def send_in_processes(parts: Sequence[Part]) -> Sent:
    """Run each part in a process of its own, and add up. Raises PartFailed if one of them does not end well."""
    processes = [await _start() for _ in parts]
    try:
        results = await asyncio.gather(*map(_result, processes, parts))
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return _sum(results)


async def _start() -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", "headwater.demo.retail.sharing")
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)


async def _result(process: asyncio.subprocess.Process, part: Part) -> Sent:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None  # _start asked for all three
    process.stdin.write(_encode(part) + b"\n")  # and left open: its end would end the process
    out, complaint = await asyncio.gather(process.stdout.read(), process.stderr.read())
    if await process.wait() != 0:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise PartFailed(f"process {process.pid} ended with {process.returncode} ({last[0]}): run the job again")
    return msgspec.json.decode(out, type=Sent)


def _sum(results: Sequence[Sent]) -> Sent:
    return Sent(
        sent=sum(result.sent for result in results),
        known=sum(result.known for result in results),
        refused=sum(result.refused for result in results),
        refusals=[reason for result in results for reason in result.refusals][:10],
    )


async def _run(part: Part) -> Sent:
    async with shop(part.url, part.read_url) as cqrs:
        stored = await stored_lines(cqrs, part.source)
        sender = Sender(cqrs.commands, part.source, stored, part.share, lambda _: None)
        return await sender.run(part.workers)


def _encode(part: Part) -> bytes:
    return msgspec.json.encode(part, enc_hook=str)


def main() -> None:
    """One part, from standard input to standard output."""
    part = msgspec.json.decode(sys.stdin.buffer.readline(), type=Part, dec_hook=lambda cls, value: cls(value))
    Thread(target=_end_with_parent, daemon=True).start()
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(_run(part))))


def _end_with_parent() -> None:
    """Standard input ends when the process at its other end does, however that ends."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    main()
