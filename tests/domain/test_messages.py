"""Names of messages, and the four ways to declare one."""

from __future__ import annotations

import pytest

from headwater.domain.messages import Command, Event, Naming, Query, is_command, is_query, naming_of
from headwater.errors import BadDeclaration, InvalidIdentifier
from tests.domain.shapes import AttrsEvent, DataclassEvent, PydanticEvent, StructEvent


class Renamed(Event, name="user_created", renamed_from=["UserMade"], schema=3):
    id: str


class Inherits(Renamed):
    pass


def test_the_keywords_of_a_struct() -> None:
    assert naming_of(Renamed) == Naming("user_created", ("UserMade",), 3)


def test_a_subclass_has_a_name_of_its_own() -> None:
    assert naming_of(Inherits) == Naming("Inherits")


@pytest.mark.parametrize("cls", [StructEvent, DataclassEvent, AttrsEvent, PydanticEvent])
def test_the_class_name_is_the_default(cls: type) -> None:
    assert naming_of(cls) == Naming(cls.__name__)


def test_a_plain_class_names_itself() -> None:
    class Plain:
        __naming__ = Naming("other", schema=2)

    assert naming_of(Plain) == Naming("other", (), 2)


@pytest.mark.parametrize("schema", [0, -1, True, 1.0, "1", None])
def test_a_schema_counts_from_one(schema: int) -> None:
    with pytest.raises(BadDeclaration, match="whole number from 1"):

        class Bad(Event, schema=schema):
            pass


def test_old_names_are_a_list() -> None:
    with pytest.raises(BadDeclaration, match=r"takes a list of names, as in renamed_from=\['Old'\]"):

        class Bad(Event, renamed_from="Old"):
            pass


@pytest.mark.parametrize("name", ["builtins.eval", "os.system", "a/b", "a" * 129])
def test_a_bad_stored_name(name: str) -> None:
    with pytest.raises(InvalidIdentifier, match="is no type name"):

        class Bad(Event, name=name):
            pass


def test_messages_are_frozen_and_given_by_keyword() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        Renamed(id="1").id = "2"  # type: ignore[misc]  # what is refused
    with pytest.raises(TypeError, match="positional"):
        Renamed("1")  # type: ignore[call-arg]  # what is refused


def test_the_bases_are_no_messages() -> None:
    class Make(Command[None]):
        pass

    class Ask(Query[None]):
        pass

    assert [is_command(cls) for cls in (Make, Ask, Command, int, "Make")] == [True, False, False, False, False]
    assert [is_query(cls) for cls in (Make, Ask, Query, int, None)] == [False, True, False, False, False]
