"""Old shapes of events, read as today's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from headwater.domain.messages import Event
from headwater.domain.registry import Registry
from headwater.domain.upcaster import Shape, Upcaster
from headwater.errors import BadDeclaration, DecodingError, DuplicateName, UnknownEventType

Fields = dict[str, object]


class Named(Event, name="UserNamed", renamed_from=["UserCalled"], schema=3):
    first: str
    last: str


class Moved(Event):
    city: str


def split(fields: Fields) -> Fields:
    first, _, last = str(fields.pop("name")).partition(" ")
    return {**fields, "first": first, "last": last}


def trim(fields: Fields) -> Fields:
    return {key: str(value).strip() for key, value in fields.items()}


def registry_with(*upcasters: Upcaster) -> Registry:
    registry = Registry(upcasters=upcasters)
    registry.register(Named, Moved)
    return registry


def test_one_to_one_through_every_schema() -> None:
    registry = registry_with(Upcaster("UserNamed", 1, trim), Upcaster("UserNamed", 2, split))
    assert registry.decode("UserNamed", 1, b'{"name":" Ann Lee "}') == (Named(first="Ann", last="Lee"),)
    assert registry.decode("UserNamed", 2, b'{"name":"Ann Lee"}') == (Named(first="Ann", last="Lee"),)
    assert registry.decode("UserNamed", 3, b'{"first":"Ann","last":"Lee"}') == (Named(first="Ann", last="Lee"),)


@pytest.mark.parametrize("upcast_name", ["UserNamed", "UserCalled"])
def test_an_event_that_was_renamed(upcast_name: str) -> None:
    registry = registry_with(Upcaster(upcast_name, 2, split))
    assert registry.decode("UserCalled", 2, b'{"name":"Ann Lee"}') == (Named(first="Ann", last="Lee"),)
    assert registry.decode("UserCalled", 3, b'{"first":"Ann","last":"Lee"}') == (Named(first="Ann", last="Lee"),)


def test_one_to_many_in_order() -> None:
    def up(fields: Fields) -> list[Shape]:
        return [Shape("Moved", 1, {"city": fields["city"]}), Shape("UserNamed", 2, {"name": fields["name"]})]

    registry = registry_with(Upcaster("UserMade", 1, up), Upcaster("UserNamed", 2, split))
    assert registry.decode("UserMade", 1, b'{"name":"Ann Lee","city":"Rome"}') == (
        Moved(city="Rome"),
        Named(first="Ann", last="Lee"),
    )


def test_one_to_none() -> None:
    registry = registry_with(Upcaster("Moved", 1, lambda fields: None))
    assert registry.decode("Moved", 1, b'{"city":"Rome"}') == ()
    assert registry.decode_many([("Moved", 1, b"{}"), ("UserNamed", 3, b'{"first":"A","last":"B"}')]) == [
        Named(first="A", last="B")
    ]


def test_a_loop_is_refused() -> None:
    registry = registry_with(
        Upcaster("Ping", 1, lambda fields: [Shape("Pong", 1, fields)]),
        Upcaster("Pong", 1, lambda fields: [Shape("Ping", 1, fields)]),
    )
    with pytest.raises(DecodingError, match="run in a circle"):
        registry.decode("Ping", 1, b"{}")


@pytest.mark.parametrize("schema", [1, 4])
def test_a_gap_is_refused(schema: int) -> None:
    registry = registry_with(Upcaster("UserNamed", 2, split))
    with pytest.raises(DecodingError, match=rf"Upcaster\('UserNamed', {schema}, ...\)"):
        registry.decode("UserNamed", schema, b'{"name":"Ann Lee"}')


@pytest.mark.parametrize(
    ("up", "complaint"),
    [
        (lambda fields: {}, "missing required field"),
        (lambda fields: {"first": fields["absent"], "last": ""}, "failed: KeyError"),
        (lambda fields: 5, "return fields, a list of Shape, or None"),
        (lambda fields: "text", "return fields, a list of Shape, or None"),
        (lambda fields: [{"first": "A"}], "return fields, a list of Shape, or None"),
        (lambda fields: [Shape("Nobody", 1, {})], "Nobody"),
    ],
)
def test_an_upcaster_that_is_wrong(up: Callable[[Fields], Fields], complaint: str) -> None:
    registry = registry_with(Upcaster("UserNamed", 2, up))
    with pytest.raises(DecodingError, match=complaint):
        registry.decode("UserNamed", 2, b'{"name":"Ann Lee"}')


def test_an_upcaster_of_no_class() -> None:
    registry = registry_with(Upcaster("Ping", 1, lambda fields: None))
    with pytest.raises(UnknownEventType):
        registry.decode("Ping", 2, b"{}")


def test_declarations() -> None:
    one = Upcaster("Ping", 1, trim)
    with pytest.raises(DuplicateName, match="two upcasters for Ping schema 1"):
        Registry(upcasters=[one, one])
    with pytest.raises(BadDeclaration, match="schema starts at 1"):
        Registry(upcasters=[Upcaster("Ping", 0, trim)])


def test_the_names_an_event_may_be_stored_under() -> None:
    registry = registry_with(Upcaster("UserNamed", 2, split))
    assert registry.stored_names([Moved]) == ("Moved", "UserCalled", "UserNamed")
    assert Registry(upcasters=[]).stored_names([Moved]) == ()
