"""Sending: what is out of reach for a while is sent again, and what fails for good is said as it is."""

from __future__ import annotations

import pytest

from headwater import CQRSManager
from headwater.demo.retail.data import find_source
from headwater.demo.retail.handlers import HANDLERS
from headwater.demo.sending import Sender, Sent, Share
from headwater.demo.stored_lines import StoredLines
from headwater.errors import HeadwaterError, StoreCorrupt, StoreUnavailable
from headwater.ports.middleware import CallNext

LINES = 30


class Failing:
    """Raises an error for each of the first commands."""

    def __init__(self, *errors: HeadwaterError) -> None:
        self._errors = [*errors]

    async def __call__(self, message: object, call_next: CallNext) -> object:
        if self._errors:
            raise self._errors.pop()
        return await call_next(message)


async def send(monkeypatch: pytest.MonkeyPatch, *errors: HeadwaterError) -> Sent:
    monkeypatch.delenv("HEADWATER_DATA", raising=False)
    async with CQRSManager("memory://", handlers=HANDLERS, middleware=[Failing(*errors)]) as cqrs:
        return await Sender(cqrs.commands, find_source(None, LINES), StoredLines(), Share(), lambda _: None).run(4)


async def test_what_is_out_of_reach_for_a_while_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = await send(monkeypatch, *[StoreUnavailable("no answer in time")] * 6)
    assert (sent.sent, sent.refused) == (LINES, 0)


async def test_what_fails_for_good_is_said_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreCorrupt, match="a broken page"):
        await send(monkeypatch, StoreCorrupt("a broken page"))
