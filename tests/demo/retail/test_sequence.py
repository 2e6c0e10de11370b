"""Folds over events sorted by line."""

from __future__ import annotations

import random

from headwater.demo.retail.events import LineEvent, LineSold
from headwater.demo.retail.sequence import Resequencer, SequenceFold
from tests.demo.retail.rows import place


def sold(line: int, quantity: int = 1, minute: int = 0, invoice: str = "1") -> LineSold:
    command = place(line=line, quantity=str(quantity), invoice_date=f"2010-12-01T08:{minute:02}:00Z", invoice=invoice)
    return LineSold(
        invoice=command.invoice,
        line=line,
        stock_code=command.stock_code,
        description=command.description,
        quantity=quantity,
        invoice_date=command.invoice_date,
        unit_price=command.unit_price,
        customer=command.customer_id,
        country=command.country,
    )


def in_line(events: list[LineEvent]) -> list[int]:
    sequence = Resequencer()
    out = [event.line for pushed in events for event in sequence.push(pushed)]
    return out + [event.line for event in sequence.rest()]


def test_events_come_out_by_line() -> None:
    lines = list(range(1, 200))
    random.Random(1).shuffle(lines)
    assert in_line([sold(line) for line in lines]) == sorted(lines)


def test_an_event_comes_out_as_soon_as_it_is_next() -> None:
    sequence = Resequencer()
    assert [e.line for e in sequence.push(sold(2))] == []
    assert [e.line for e in sequence.push(sold(1))] == [1, 2]


def test_a_missing_line_and_a_repeated_one_lose_nothing() -> None:
    assert in_line([sold(4), sold(2), sold(1), sold(1)]) == [1, 2, 1, 4]


def test_a_fold_of_nothing() -> None:
    figures = SequenceFold().figures()
    assert (figures["first"], figures["last"], figures["time_ordered"]) == (None, None, True)
    assert figures["deepest_running_stock"] == []


def test_a_fold_knows_times_and_the_deepest_stock() -> None:
    fold = SequenceFold()
    for event in (sold(1, quantity=5, minute=1), sold(2, quantity=-3, minute=3), sold(3, quantity=1, minute=2)):
        fold.see(event)
    figures = fold.figures()
    assert (figures["first"], figures["last"]) == ("2010-12-01T08:01:00Z", "2010-12-01T08:02:00Z")
    assert figures["time_ordered"] is False
    assert figures["deepest_running_stock"] == [["71053", -5]]


def test_a_fold_takes_notes_on_the_way() -> None:
    fold = SequenceFold(moments=[2])
    for event in (sold(1), sold(2, invoice="2"), sold(3)):
        fold.see(event)
    assert fold.figures()["at"] == [
        {
            "position": 2,
            "streams_seen": 2,
            "per_type": {"LineSold": 2},
            "amount": "6.78",
            "longest": [["1", 1], ["2", 1]],
        }
    ]
