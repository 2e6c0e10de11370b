"""Registry: which names stored data may use, and which class each one is. It belongs to one application."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar, cast

import msgspec

from headwater.domain.codec import Codec, codec_for, read_failure
from headwater.domain.identifier import shown
from headwater.domain.messages import Naming, naming_of
from headwater.domain.tags import tagger_of
from headwater.domain.upcaster import Shape, Upcaster
from headwater.errors import (
    BadDeclaration,
    DecodingError,
    DuplicateName,
    InvalidMessage,
    UnknownEventType,
    UnknownName,
)
from headwater.limits import Limits

__all__ = ["Registry"]

T = TypeVar("T")

_decode_fields = msgspec.json.Decoder(dict[str, object]).decode
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""In JSON; a backslash before it that is none of a pair makes it plain text."""
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Registry:
    """Message classes by name: encodes and decodes events, and reads messages written as mappings.

    Raises DuplicateName where two classes claim one name.
    """

    def __init__(self, limits: Limits | None = None, upcasters: Iterable[Upcaster] = ()) -> None:
        self.limits = limits or Limits()
        self._codecs: dict[type, tuple[Naming, Codec[object]]] = {}
        self._classes: dict[str, type] = {}
        self._upcasters: dict[tuple[str, int], Upcaster] = {}
        self._decoders: dict[tuple[str, int], Callable[[bytes], tuple[object, ...]]] = {}
        self._arrays: dict[tuple[str, int], Callable[[bytes], list[object]]] = {}
        self._taggers: dict[type, Callable[[object], tuple[str, ...]]] = {}
        for upcaster in upcasters:
            self._add_upcaster(upcaster)

    def register(self, *classes: type) -> None:
        """Add message classes; adding one twice is fine, two of one name is DuplicateName."""
        for cls in classes:
            if cls not in self._codecs:
                self._add(cls)

    def name_of(self, cls: type) -> str:
        """The stored name of a registered class; UnknownName if it is not registered."""
        return self._entry(cls)[0].name

    def class_of(self, name: str) -> type[object]:
        """The class registered under a name, old names included; UnknownName if there is none."""
        try:
            return self._classes[name]
        except (KeyError, TypeError):
            raise UnknownName(f"no message type {shown(name)} is registered: known are {self._known()}") from None

    def encode(self, message: object) -> tuple[str, int, bytes]:
        """Name, schema and JSON bytes of a message of a registered class."""
        naming, codec = self._entry(type(message))
        return naming.name, naming.schema, codec.encode(message)

    def encode_readable(self, message: object) -> tuple[str, int, bytes]:
        """As `encode`, for what is kept: InvalidMessage if it could not be read back, as where a type does not fit."""
        naming, codec = self._entry(type(message))
        data = codec.encode(message)
        if b"\\u0000" in data and _NUL.search(data):
            raise InvalidMessage(f"this {naming.name} has a NUL in a text, which no read model could keep: take it out")
        try:
            codec.decode(data)
        except (ValueError, RecursionError) as error:
            raise InvalidMessage(f"this {naming.name} could not be read back: {str(error)[:200]}") from error
        return naming.name, naming.schema, data

    def tags_of(self, event: object) -> tuple[str, ...]:
        """The tags of an event of a registered class, by the fields marked Tag; InvalidId for a value that is none."""
        tagger = self._taggers.get(type(event))
        return () if tagger is None else tagger(event)

    def decode(self, name: str, schema: int, data: bytes) -> tuple[object, ...]:
        """The events stored as `name`: one, or what the upcasters made of it (none, or several)."""
        decoder = self._decoders.get((name, schema)) or self._decoder(name, schema)
        return decoder(data)

    def decode_many(self, rows: Sequence[tuple[str, int, bytes]]) -> list[object]:
        """The events of (type, schema, data) rows in order: the hot loop of every load."""
        events: list[object] = []
        start = 0
        while start < len(rows):
            name, schema, _ = rows[start]
            end = start + 1
            while end < len(rows) and rows[end][0] == name and rows[end][1] == schema:
                end += 1
            events += self._decode_run(name, schema, [row[2] for row in rows[start:end]])
            start = end
        return events

    def _decode_run(self, name: str, schema: int, run: list[bytes]) -> list[object]:
        """Events of one type and schema: as one JSON array where the class's own decoder reads them."""
        decode_array = self._arrays.get((name, schema)) if len(run) > 1 else None
        if decode_array is not None:
            try:
                events = decode_array(b"[" + b",".join(run) + b"]")
            except (ValueError, RecursionError):
                events = []  # one by one, the failure is told as its own
            if len(events) == len(run):
                return events
        return [event for data in run for event in self.decode(name, schema, data)]

    def read(self, cls: type[T], fields: Mapping[str, object]) -> T:
        """A message from plain fields in snake_case or camelCase; InvalidMessage says what does not fit."""
        codec = self._entry(cls)[1]
        stored: dict[str, object] = {}
        for given, value in fields.items():
            name = codec.stored_name(_snake(given)) or codec.stored_name(given)
            if name is None or name in stored:
                raise InvalidMessage(f"{cls.__name__} has {'no' if name is None else 'one'} field {shown(given)}")
            stored[name] = value
        return self._convert(cls, stored)

    def stored_names(self, classes: Iterable[type]) -> tuple[str, ...]:
        """Every stored name an event of these classes may come from: old names too, and whatever is upcast."""
        upcast = {name for name, _ in self._upcasters}
        wanted = {*classes, *(cls for name, cls in self._classes.items() if name in upcast)}
        return tuple(sorted(upcast.union(name for name, cls in self._classes.items() if cls in wanted)))

    def direct_decoder(self, name: str, schema: int) -> Callable[[bytes], object] | None:
        """The class's own decoder when no upcaster is between, for loops over many events; else None."""
        cls = self._classes.get(name)
        if cls is None or self._codecs[cls][0].schema != schema or self._upcaster(name, schema) is not None:
            return None
        return self._codecs[cls][1].decode

    # -- registering -----------------------------------------------------------

    def _add(self, cls: type) -> None:
        naming = naming_of(cls)
        for name in (naming.name, *naming.renamed_from):
            if (other := self._classes.get(name)) is not None and other is not cls:
                raise DuplicateName(
                    f"{_path(cls)} and {_path(other)} are both called {name!r} in stored data: give one a name="
                )
        self._codecs[cls] = naming, codec_for(cls, self.limits)
        if (tagger := tagger_of(cls)) is not None:
            self._taggers[cls] = tagger
        for name in (naming.name, *naming.renamed_from):
            self._classes[name] = cls
        self._decoders.clear()
        self._arrays.clear()

    def _add_upcaster(self, upcaster: object) -> None:
        if not isinstance(upcaster, Upcaster):
            raise BadDeclaration(f"upcasters= takes Upcaster(type, schema, up) objects, got {upcaster!r}")
        key = upcaster.type, upcaster.schema
        if key in self._upcasters:
            raise DuplicateName(f"two upcasters for {upcaster.type} schema {upcaster.schema}: keep one")
        if upcaster.schema < 1:
            raise BadDeclaration(f"upcaster for {upcaster.type}: schema starts at 1, got {upcaster.schema}")
        self._upcasters[key] = upcaster

    def _entry(self, cls: type) -> tuple[Naming, Codec[object]]:
        try:
            return self._codecs[cls]
        except KeyError:
            raise UnknownName(
                f"{_path(cls)} is not registered: handle it with @on or @handles, or pass it in events=[...]"
            ) from None

    def _known(self) -> str:
        names = sorted(self._classes)
        return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")

    # -- reading ---------------------------------------------------------------

    def _decoder(self, name: str, schema: int) -> Callable[[bytes], tuple[object, ...]]:
        decoder = self._plain_decoder(name, schema) or self._upcasting_decoder(name, schema)
        self._decoders[name, schema] = decoder
        return decoder

    def _plain_decoder(self, name: str, schema: int) -> Callable[[bytes], tuple[object, ...]] | None:
        decode = self.direct_decoder(name, schema)
        if decode is None:
            return None
        decode_array = self._codecs[self._classes[name]][1].decode_array
        if decode_array is not None:
            self._arrays[name, schema] = decode_array

        def plain(data: bytes) -> tuple[object, ...]:
            try:
                return (decode(data),)
            except (ValueError, RecursionError) as error:
                raise read_failure(name, error) from error

        return plain

    def _upcasting_decoder(self, name: str, schema: int) -> Callable[[bytes], tuple[object, ...]]:
        if name not in self._classes and self._upcaster(name, schema) is None:
            raise UnknownEventType(
                f"event type {name!a} (schema {schema}) is not registered: register its class, "
                f"or give the class that replaced it renamed_from=[{name!r}]"
            )

        def upcasting(data: bytes) -> tuple[object, ...]:
            try:
                shapes = self._upcast(Shape(name, schema, _decode_fields(data)))
                return tuple([self._read_stored(shape) for shape in shapes])
            except (ValueError, UnknownName, RecursionError) as error:
                raise read_failure(name, error) from error

        return upcasting

    def _upcast(self, shape: Shape) -> list[Shape]:
        """Walk upcasters until every shape is current. A shape that does not advance would never end: refused."""
        done: list[Shape] = []
        todo, steps = [shape], 0
        while todo:
            current = todo.pop()
            upcaster = self._upcaster(current.type, current.schema)
            if upcaster is None:
                done.append(self._current(current))
                continue
            if (steps := steps + 1) > 1_000:
                raise DecodingError(f"the upcasters of {shape.type} run in a circle: each must raise the schema")
            todo.extend(reversed(_next_shapes(current, upcaster)))
        return done

    def _upcaster(self, name: str, schema: int) -> Upcaster | None:
        """That of the stored name, or else that of the class's name today."""
        found = self._upcasters.get((name, schema))
        if found is None and (cls := self._classes.get(name)) is not None:
            found = self._upcasters.get((self._codecs[cls][0].name, schema))
        return found

    def _read_stored(self, shape: Shape) -> object:
        cls: type[object] = self.class_of(shape.type)
        return self._convert(cls, shape.fields)

    def _convert(self, cls: type[T], fields: Mapping[str, object]) -> T:
        try:
            return cast("T", self._codecs[cls][1].convert(fields))
        except (ValueError, TypeError, RecursionError) as error:
            raise InvalidMessage(f"this is no {cls.__name__}: {str(error)[:200]}") from error

    def _current(self, shape: Shape) -> Shape:
        wanted = self._codecs[self.class_of(shape.type)][0].schema
        if shape.schema != wanted:
            raise DecodingError(
                f"{shape.type} is stored with schema {shape.schema}, the class has {wanted}: "
                f"register an Upcaster({shape.type!r}, {shape.schema}, ...)"
            )
        return shape


def _next_shapes(shape: Shape, upcaster: Upcaster) -> list[Shape]:
    try:
        made = upcaster.up(dict(shape.fields))
    except Exception as error:
        raise DecodingError(f"the upcaster of {shape.type} from schema {shape.schema} failed: {error!r}") from error
    if made is None:
        return []
    if isinstance(made, dict):
        return [Shape(shape.type, shape.schema + 1, made)]
    if not isinstance(made, list | tuple):
        raise _unusable(made, shape)
    return [_shape(one, shape) for one in made]


def _shape(made: object, of: Shape) -> Shape:
    if not isinstance(made, Shape):
        raise _unusable(made, of)
    return made


def _unusable(made: object, of: Shape) -> DecodingError:
    return DecodingError(f"the upcaster of {of.type} made {shown(made)}: return fields, a list of Shape, or None")


def _snake(name: object) -> str:
    if not isinstance(name, str):
        raise InvalidMessage(f"field names are text, got {shown(name)}")
    return name if name.islower() else _HUMPS.sub("_", name).lower()


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
