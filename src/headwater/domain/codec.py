"""Codec: one message class to JSON bytes and back, with what JSON would lose refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Generic, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from headwater.errors import BadDeclaration, DecodingError, InvalidMessage, LimitExceeded
from headwater.limits import Limits

__all__ = ["Codec", "check_nesting", "codec_for", "field_names", "read_failure"]

T = TypeVar("T")

_MINUTE = timedelta(minutes=1)
_HARMLESS = frozenset({str, int, bool, bytes, type(None), Decimal, date, UUID})


class Codec(Generic[T]):
    """Encodes and decodes values of one class.

    `decode` is the hot path of every load: it is the decoder's own function, unwrapped; a failure is a
    `msgspec.ValidationError` or `msgspec.DecodeError` (pydantic: ValueError), which the registry names.
    """

    __slots__ = ("_encode", "_limits", "_risky", "_stored", "cls", "convert", "decode", "decode_array")

    def __init__(
        self,
        cls: type[T],
        encode: Callable[[T], bytes],
        decode: Callable[[bytes], T],
        convert: Callable[[Mapping[str, object]], T],
        limits: Limits,
        decode_array: Callable[[bytes], list[T]] | None = None,
    ) -> None:
        self.cls = cls
        self.decode_array = decode_array
        """Decodes a JSON array of values at once, which is faster; None where only one at a time can be read."""
        self._stored = {field: stored for name, stored in _stored_names(cls) for field in (name, stored)}
        self.decode = decode
        self.convert = convert
        self._encode = encode
        self._limits = limits
        self._risky = _risky_fields(cls)

    def stored_name(self, field: str) -> str | None:
        """What JSON calls the field of this name; None if there is no such field."""
        return self._stored.get(field)

    def encode(self, value: T) -> bytes:
        """JSON bytes; raises InvalidMessage for what JSON cannot carry, LimitExceeded for what is too large."""
        for name in self._risky:
            check_nesting(getattr(value, name), self._limits.depth, self.cls.__name__)
        try:
            data = self._encode(value)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise InvalidMessage(f"{self.cls.__name__} cannot be written as JSON: {_short(error)}") from error
        if len(data) > self._limits.payload_bytes:
            raise LimitExceeded(f"the payload of {self.cls.__name__} in bytes", len(data), self._limits.payload_bytes)
        return data


def codec_for(cls: type[T], limits: Limits) -> Codec[T]:
    """The codec of a msgspec Struct, dataclass, attrs or pydantic class; BadDeclaration for any other."""
    if hasattr(cls, "__pydantic_validator__"):
        return _pydantic_codec(cls, limits)
    try:
        decode = msgspec.json.Decoder(cls).decode
        decode_array = msgspec.json.Decoder(list[cls]).decode  # type: ignore[valid-type]
    except (TypeError, NameError, AttributeError) as error:
        raise BadDeclaration(f"{cls.__name__} cannot be stored as JSON: {_short(error)}") from error
    return Codec(cls, msgspec.json.encode, decode, lambda fields: msgspec.convert(fields, cls), limits, decode_array)


def _pydantic_codec(cls: type[T], limits: Limits) -> Codec[T]:
    validate_json = cast("Callable[[bytes], T]", getattr(cls, "model_validate_json"))  # noqa: B009
    validate = cast("Callable[[object], T]", getattr(cls, "model_validate"))  # noqa: B009

    def encode(value: T) -> bytes:
        dump = cast("Callable[..., str]", getattr(value, "model_dump_json"))  # noqa: B009
        return dump(by_alias=True, round_trip=True, warnings="error").encode()

    return Codec(cls, encode, validate_json, validate, limits)


def _stored_names(cls: type[object]) -> Iterator[tuple[str, str]]:
    """Pairs of a field and what JSON calls it: `rename=` of a Struct and `alias=` of a pydantic field say so."""
    if issubclass(cls, msgspec.Struct):
        yield from zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True)
    else:
        fields = cast("Mapping[str, object]", getattr(cls, "model_fields", {}))
        for name in field_names(cls):
            alias = getattr(fields.get(name), "alias", None)
            yield name, alias if isinstance(alias, str) else name


def field_names(cls: type) -> Iterable[str]:
    """The fields of a msgspec Struct, dataclass, pydantic or attrs class; none of any other class."""
    for attribute in ("__struct_fields__", "__dataclass_fields__", "model_fields"):
        if (fields := getattr(cls, attribute, None)) is not None:
            return tuple(fields)
    return tuple([attribute.name for attribute in getattr(cls, "__attrs_attrs__", ())])


def _risky_fields(cls: type) -> tuple[str, ...]:
    """The fields whose declared types let through what JSON would change: floats, datetimes, and all that nests."""
    names = tuple(field_names(cls))
    try:
        hints = get_type_hints(cls)
    except NameError:
        return names
    return tuple(name for name in names if not _harmless(hints.get(name)))


def _harmless(hint: object) -> bool:
    if get_origin(hint) is Literal:
        return True
    members = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return all(member in _HARMLESS or (isinstance(member, type) and issubclass(member, Enum)) for member in members)


def check_nesting(value: object, depth: int, name: str) -> None:
    """Raise InvalidMessage for NaN, infinity or a naive datetime, LimitExceeded for nesting beyond `depth`.

    A zone that is seconds off the minute (local times before the 1970s) would be rounded: refused. No recursion.
    """
    todo = [(value, 1)]
    while todo:
        item, level = todo.pop()
        kind = type(item)
        if isinstance(item, float):
            if not math.isfinite(item):
                raise InvalidMessage(f"{name} holds {item}: JSON has no such number, use None or text")
        elif kind in _HARMLESS:
            continue
        elif isinstance(item, datetime):
            offset = item.utcoffset()
            if offset is None or (offset and offset % _MINUTE):
                raise InvalidMessage(f"{name} holds {item!r}, whose time zone JSON cannot say: use UTC")
        elif level > depth:
            raise LimitExceeded(f"the nesting of {name}", level, depth)
        else:
            todo.extend((child, level + 1) for child in _children(item))


def _children(item: object) -> list[object]:
    if isinstance(item, Mapping):
        return [*item.keys(), *item.values()]
    if isinstance(item, list | tuple | set | frozenset):
        return list(cast("list[object]", item))
    return [getattr(item, name) for name in field_names(type(item))]


def read_failure(name: str, error: Exception) -> DecodingError:
    """The typed form of a decoder's complaint about stored bytes."""
    return DecodingError(
        f"a stored {name} does not fit its class ({_short(error)}): raise schema= and register an upcaster"
    )


def _short(error: BaseException) -> str:
    text = f"{type(error).__name__}: {error}"
    return text if len(text) <= 200 else text[:197] + "..."
