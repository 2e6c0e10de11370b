"""Intents of appends that this process waits for are passed by, until nobody waits any more."""

from __future__ import annotations

import pytest

from headwater.engines.cassandra.appending.under_way import UnderWay
from headwater.engines.cassandra.protocol.rows import Intent

OURS = Intent(part=3, slot=70, attempt=b"ours", stream="a-1", chunk=0, first_version=1, count=1, fence=None)
THEIRS = Intent(part=3, slot=71, attempt=b"theirs", stream="a-2", chunk=0, first_version=1, count=1, fence=None)


def test_one_under_way_is_none_of_the_others() -> None:
    under_way = UnderWay()
    with under_way.trying(OURS):
        assert under_way.others([OURS, THEIRS]) == [THEIRS]
    assert under_way.others([OURS, THEIRS]) == [OURS, THEIRS]
    assert under_way.take_doubtful(3) == set()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, GeneratorExit])
def test_one_that_ends_with_an_error_is_in_doubt_once(error: type[BaseException]) -> None:
    under_way = UnderWay()
    with pytest.raises(error), under_way.trying(OURS):
        raise error
    assert under_way.others([OURS]) == [OURS]
    assert (under_way.take_doubtful(2), under_way.take_doubtful(3), under_way.take_doubtful(3)) == (set(), {70}, set())


def test_one_of_unknown_outcome_is_in_doubt() -> None:
    under_way = UnderWay()
    with under_way.trying(OURS):
        pass
    under_way.doubt(OURS)
    assert under_way.take_doubtful(3) == {70}
