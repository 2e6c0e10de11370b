"""Encoding, decoding, and messages written as mappings."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.domain.messages import Command, CommandLike, Event
from headwater.domain.registry import Registry
from headwater.errors import BadDeclaration, DecodingError, DuplicateName, InvalidMessage, UnknownEventType, UnknownName
from tests.domain.shapes import AttrsEvent, Colour, DataclassEvent, Line, PydanticEvent, StructEvent

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(timezones=offsets)
CLEAN = st.characters(codec="utf-8", exclude_characters="\0")
fields = {
    "id": st.text(CLEAN, max_size=50),
    "at": instants,
    "key": st.uuids(),
    "price": st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20),
    "ratio": st.floats(allow_nan=False, allow_infinity=False),
    "colour": st.sampled_from(Colour),
    "note": st.none() | st.text(CLEAN, max_size=20),
}
lines = st.lists(st.builds(Line, st.text(CLEAN), st.integers(-(2**63), 2**64 - 1))).map(tuple)
tags = st.dictionaries(st.text(CLEAN), st.integers(-(2**63), 2**63))
events = st.one_of(
    st.builds(StructEvent, lines=lines, tags=tags, blob=st.binary(), **fields),
    st.builds(DataclassEvent, lines=lines, **fields),
    st.builds(AttrsEvent, lines=lines, **fields),
    st.builds(PydanticEvent, theRatio=fields["ratio"], **{k: v for k, v in fields.items() if k != "ratio"}),
)


def registry_of(*classes: type) -> Registry:
    registry = Registry()
    registry.register(*classes)
    return registry


ALL = registry_of(StructEvent, DataclassEvent, AttrsEvent, PydanticEvent)


@given(events)
def test_any_event_comes_back_as_it_was(event: object) -> None:
    name, schema, data = ALL.encode_readable(event)
    assert (name, schema) == (type(event).__name__, 1)
    assert ALL.decode(name, schema, data) == (event,)
    assert ALL.decode_many([(name, schema, data)] * 2) == [event, event]


def test_a_name_belongs_to_one_class() -> None:
    class First(Event, name="Same"):
        pass

    class Second(Event, name="Same"):
        pass

    class Third(Event, renamed_from=["Same"]):
        pass

    registry = registry_of(First, First)
    for other in (Second, Third):
        with pytest.raises(DuplicateName, match=f"{other.__qualname__}.* are both called 'Same'"):
            registry.register(other)
    with pytest.raises(UnknownName):
        registry.name_of(Third)


@pytest.mark.parametrize("name", ["builtins.eval", "os.system", "Nothing", "", "a" * 70_000])
def test_a_name_is_never_imported(name: str) -> None:
    before = set(sys.modules)
    with pytest.raises(UnknownName, match="no message type"):
        ALL.class_of(name)
    with pytest.raises(UnknownEventType, match="is not registered"):
        ALL.decode(name, 1, b"{}")
    assert set(sys.modules) == before


def test_an_unregistered_class() -> None:
    class Stranger(Event):
        pass

    with pytest.raises(UnknownName, match="Stranger is not registered"):
        ALL.encode(Stranger())


class Odd:
    pass


class HoldsOdd(Event):
    odd: Odd


class HoldsUnknown(Event):
    two: list[int, int]  # type: ignore[type-arg]  # what is refused


def test_a_class_that_json_cannot_hold() -> None:
    with pytest.raises(BadDeclaration, match="HoldsUnknown cannot be stored as JSON"):
        Registry().register(HoldsUnknown)
    with pytest.raises(InvalidMessage, match="HoldsOdd cannot be written as JSON"):
        registry_of(HoldsOdd).encode(HoldsOdd(odd=Odd()))


class Place(Command[None]):
    user_id: str
    amount: int = 0
    at: datetime | None = None


@dataclass(frozen=True)
class PlaceToo(CommandLike[None]):
    user_id: str
    amount: int = 0


MAPPED = registry_of(Place, PlaceToo, PydanticEvent)


@pytest.mark.parametrize("cls", [Place, PlaceToo])
@pytest.mark.parametrize("name", ["user_id", "userId", "UserId"])
def test_a_mapping_in_either_spelling(cls: type[Place], name: str) -> None:
    assert MAPPED.read(cls, {name: "u1", "amount": 2}) == cls(user_id="u1", amount=2)


def test_a_mapping_of_a_pydantic_class_with_an_alias() -> None:
    made = MAPPED.read(
        PydanticEvent,
        {"id": "1", "at": "2025-01-01T00:00:00Z", "key": str(UUID(int=1)), "price": "1.50", "theRatio": 2.0},
    )
    assert (made.ratio, made.price) == (2.0, Decimal("1.50"))


def test_a_renaming_struct_takes_both_spellings() -> None:
    class Camel(Command[None], rename="camel"):
        user_id: str

    registry = registry_of(Camel)
    assert registry.encode(Camel(user_id="u"))[2] == b'{"userId":"u"}'
    for name in ("user_id", "userId"):
        assert registry.read(Camel, {name: "u"}) == Camel(user_id="u")


@pytest.mark.parametrize(
    ("given_fields", "complaint"),
    [
        ({}, "missing required field `user_id`"),
        ({"user_id": 1}, "Expected `str`, got `int`"),
        ({"user_id": "u", "amount": True}, "Expected `int`, got `bool`"),
        ({"user_id": "u", "amount": "1"}, "Expected `int`"),
        ({"user_id": "u", "amount": 1.5}, "Expected `int`"),
        ({"user_id": "u", "amuont": 1}, "has no field 'amuont'"),
        ({"user_id": "u", "userId": "v"}, "has one field 'userId'"),
        ({"user_id": "u", "__class__": "os.system"}, "has no field '__class__'"),
        ({"user_id": "u", "__reduce__": ["os.system", "x"]}, "has no field '__reduce__'"),
        ({"user_id": "u", "py/object": "os.system"}, "has no field 'py/object'"),
        ({1: "u"}, "field names are text"),
    ],
)
def test_a_mapping_that_does_not_fit(given_fields: dict[str, object], complaint: str) -> None:
    with pytest.raises(InvalidMessage, match=complaint):
        MAPPED.read(Place, given_fields)


def test_duplicate_keys_of_stored_json_are_no_way_in() -> None:
    registry = registry_of(Place)
    assert registry.decode("Place", 1, b'{"user_id":"a","user_id":"b","__class__":"os.system"}') == (
        Place(user_id="b"),
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"user_id":1}',
        b'{"user_id":"u","amount":NaN}',
        b'{"user_id":"u","amount":Infinity}',
        b'{"user_id":"u","amount":' + b"1" * 100_000 + b"}",
        b'{"user_id":"u","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"\x80\x04\x95\x0c\x00",  # a pickle
        b'{"user_id":"\xff"}',
    ],
)
def test_stored_bytes_that_cannot_be_read(data: bytes) -> None:
    registry = registry_of(Place)
    with pytest.raises(DecodingError, match="a stored Place does not fit"):
        registry.decode("Place", 1, data)
    with pytest.raises(DecodingError, match="a stored Place does not fit"):
        registry.decode_many([("Place", 1, data)])


class Note(Event):
    text: str
    more: tuple[str, ...] = ()


@pytest.mark.parametrize("note", [Note(text="a\0b"), Note(text="", more=("\\", "\\\0")), Note(text="\\u0000 and \0")])
def test_a_nul_in_a_text_is_refused(note: Note) -> None:
    with pytest.raises(InvalidMessage, match="Note has a NUL in a text"):
        registry_of(Note).encode_readable(note)


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "u0000", "\u0001"])
def test_what_looks_like_a_nul_is_none(text: str) -> None:
    registry = registry_of(Note)
    assert registry.decode(*registry.encode_readable(Note(text=text))) == (Note(text=text),)
