"""Many events at once are decoded as each would be alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.domain.messages import Event
from headwater.domain.registry import Registry
from headwater.domain.upcaster import Upcaster
from headwater.errors import DecodingError


class Added(Event):
    number: int


class Named(Event, schema=2):
    name: str


def registry() -> Registry:
    made = Registry(upcasters=[Upcaster("Named", 1, lambda fields: None if fields["old"] == "" else {"name": "?"})])
    made.register(Added, Named)
    return made


ROWS = st.one_of(
    st.integers(0, 9).map(lambda n: ("Added", 1, b'{"number":%d}' % n)),
    st.sampled_from(["a", "b"]).map(lambda n: ("Named", 2, b'{"name":"%s"}' % n.encode())),
    st.sampled_from(["", "x"]).map(lambda n: ("Named", 1, b'{"old":"%s"}' % n.encode())),
)


@given(st.lists(ROWS, max_size=20))
def test_runs_of_a_type_are_decoded_as_one_by_one(rows: list[tuple[str, int, bytes]]) -> None:
    known = registry()
    alone = [event for name, schema, data in rows for event in known.decode(name, schema, data)]
    assert known.decode_many(rows) == alone
    assert known.decode_many(rows) == alone


@pytest.mark.parametrize("data", [b'{"number":1},{"number":2}', b'{"number":"1"}', b"", b"]", b'{"number":1}]'])
def test_what_is_no_single_event_is_refused_in_the_middle_of_many(data: bytes) -> None:
    known = registry()
    row = ("Added", 1, b'{"number":1}')
    assert len(known.decode_many([row, row, row])) == 3
    with pytest.raises(DecodingError, match="Added"):
        known.decode_many([row, row, ("Added", 1, data), row])
