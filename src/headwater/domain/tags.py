"""Tags: what an event is about beside its stream, declared on the fields that say so."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from types import UnionType
from typing import Annotated, Final, Literal, TypeAlias, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from headwater.domain.identifier import Identifier, check_id, shown
from headwater.errors import BadDeclaration, InvalidId

__all__ = ["Tag", "TagValue", "check_tag", "tagger_of"]

TagValue: TypeAlias = str | int | UUID
_LONGEST: Final = 512
_MANY: Final = frozenset({list, tuple, set, frozenset})


class Tag(msgspec.Struct, frozen=True):
    """Marks the field of an event whose value is a tag: `course_id: Annotated[str, Tag("course")]` gives `course:c1`.

    The field is text, a whole number, a UUID, or a list, tuple or set of them, which is a tag for each; None is none.
    Raises InvalidIdentifier for a name that is none.
    """

    name: str

    def __post_init__(self) -> None:
        Identifier(self.name)

    def of(self, value: TagValue) -> str:
        """The tag of a value, as text; raises InvalidId for a value that cannot be one."""
        if isinstance(value, bool) or not isinstance(value, str | int | UUID):  # pyright: ignore[reportUnnecessaryIsInstance]  # whoever has no checker
            raise InvalidId(f"the tag {self.name} takes text, a whole number or a UUID, got {shown(value)}")
        plain = cast("object", value.value) if isinstance(value, Enum) else value
        return check_tag(f"{self.name}:{plain}")


def check_tag(tag: str, limit: int = _LONGEST) -> str:
    """The tag unchanged: `name:value`. Raises InvalidId for another form, LimitExceeded for a long one."""
    text = check_id(tag, "tag", limit)
    name, colon, value = text.partition(":")
    if not colon or not value:
        raise InvalidId(f"{shown(tag)} is no tag: write name:value, as in course:c1, or Tag('course').of('c1')")
    Identifier(name)
    return text


def tagger_of(cls: type) -> Callable[[object], tuple[str, ...]] | None:
    """What makes the tags of an event of this class: each once, in order; None for a class that declares none.

    Raises BadDeclaration for a Tag inside a type, where nobody looks, or on a field that cannot be one. NameError for
    annotations that do not resolve yet.
    """
    fields = [(name, tag) for name, hint in _hints(cls).items() for tag in _declared(cls, name, hint)]
    if not fields:
        return None

    def tags(event: object) -> tuple[str, ...]:
        found = {tag.of(value) for name, tag in fields for value in _values(getattr(event, name))}
        return tuple(sorted(found))

    return tags


def _values(value: object) -> Iterable[TagValue]:
    if value is None:
        return ()
    if type(value) in _MANY:
        return cast("Collection[TagValue]", value)
    return (cast("TagValue", value),)


def _hints(cls: type) -> Mapping[str, object]:
    """The annotations of the fields; pydantic has resolved its own."""
    if not hasattr(cls, "__pydantic_validator__"):
        return get_type_hints(cls, include_extras=True)
    fields = cast("Mapping[str, object]", getattr(cls, "model_fields"))  # noqa: B009
    return {name: _of_pydantic(field) for name, field in fields.items()}


def _of_pydantic(field: object) -> object:
    marks = tuple(cast("Iterable[object]", getattr(field, "metadata", ())))
    annotation: object = getattr(field, "annotation", object)
    return Annotated[(annotation, *marks)] if marks else annotation  # put together here


def _declared(cls: type, field: str, hint: object) -> list[Tag]:
    tags: list[Tag] = []
    if get_origin(hint) is Annotated:
        hint, *marks = get_args(hint)
        tags = [mark for mark in marks if isinstance(mark, Tag)]
    if _holds_tag(hint):
        raise BadDeclaration(
            f"{cls.__name__}.{field} has a Tag inside its type: put it around, as in Annotated[list[str], Tag(...)]"
        )
    if tags and not _is_taggable(hint):
        raise BadDeclaration(
            f"{cls.__name__}.{field} is {_inner(hint)}: a tag is text, a whole number or a UUID, or a list of them"
        )
    return tags


def _holds_tag(hint: object) -> bool:
    return isinstance(hint, Tag) or any(map(_holds_tag, (*get_args(hint), *getattr(hint, "__metadata__", ()))))


def _is_taggable(hint: object) -> bool:
    hint = _bare(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return all(_is_taggable(argument) for argument in arguments if argument is not type(None))
    if origin in _MANY:
        return all(_is_one(argument) for argument in arguments if argument is not Ellipsis)
    return _is_one(hint)


def _is_one(hint: object) -> bool:
    hint = _bare(hint)
    if get_origin(hint) is Literal:
        return all(type(value) in (str, int) for value in get_args(hint))
    return isinstance(hint, type) and issubclass(hint, str | int | UUID) and not issubclass(hint, bool)


def _bare(hint: object) -> object:
    """A type without what is annotated, of a NewType that which it is made of."""
    hint = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return getattr(hint, "__supertype__", hint)


def _inner(hint: object) -> str:
    return getattr(hint, "__name__", None) or str(hint)
