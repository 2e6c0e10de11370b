"""Results: what handlers return, as it is kept for a repeated command."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from headwater.commands.replay import result_type
from headwater.errors import InvalidMessage

__all__ = ["Results"]

_encode = msgspec.json.Encoder().encode


class Results:
    """Encodes results, each checked to be read back as its command declares."""

    def __init__(self) -> None:
        self._reads: dict[type, Callable[[bytes], object] | None] = {}
        self._handlers: dict[type, str] = {}

    def expect(self, command: type, handler: object) -> None:
        """Name the handler of a command, for errors."""
        function: object = getattr(handler, "func", handler)
        self._handlers[command] = getattr(function, "__qualname__", repr(function))

    def encode(self, command: object, result: object) -> bytes:
        """JSON bytes; raises InvalidMessage for what is no JSON, or not what the command declares."""
        cls = type(command)
        try:
            encoded = _encode(result)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise InvalidMessage(f"the result of {cls.__name__} cannot be kept as JSON: {error}") from error
        try:
            read = self._reads[cls]
        except KeyError:
            read = self._reads[cls] = _reader(result_type(cls))
        if read is not None:
            try:
                read(encoded)
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                raise InvalidMessage(self._misfit(cls, error)) from error
        return encoded

    def _misfit(self, command: type, error: Exception) -> str:
        handler = self._handlers.get(command, "its handler")
        declared = result_type(command)
        type_name = declared.__name__ if isinstance(declared, type) else str(declared)
        return (
            f"{handler} did not return the {type_name} that {command.__name__} declares ({error}), "
            "nothing is committed: a repeated command could not be told its result"
        )


def _reader(declared: object) -> Callable[[bytes], object] | None:
    """None where anything fits."""
    return None if declared is object else msgspec.json.Decoder(declared).decode
