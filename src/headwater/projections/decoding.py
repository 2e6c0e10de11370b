"""Decoding: stored events of a page into what handlers are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from headwater.domain.event import Recorded, StoredEvent
from headwater.domain.registry import Registry
from headwater.errors import HeadwaterError

__all__ = ["Decoded", "Decoder"]

Decoded: TypeAlias = "Recorded[object] | tuple[Recorded[object], ...] | HeadwaterError"
"""One event; what upcasters made of it (none, or several); or why it cannot be read."""


class Decoder:
    """Decodes events, each type's decoder looked up once."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._direct: dict[tuple[str, int], Callable[[bytes], object] | None] = {}

    def page(self, events: Sequence[StoredEvent]) -> list[Decoded]:
        """The events of a page, in order."""
        direct = self._direct
        decoded: list[Decoded] = []
        add = decoded.append
        for stored in events:
            try:
                decode = direct[stored.type, stored.schema]
                if decode is not None:
                    add(Recorded(stored, decode(stored.data)))
                    continue
            except KeyError:
                direct[stored.type, stored.schema] = self._registry.direct_decoder(stored.type, stored.schema)
            except (ValueError, RecursionError):
                pass  # the registry says it in its own words
            add(self.one(stored))
        return decoded

    def one(self, stored: StoredEvent, data: bytes | None = None) -> Decoded:
        """One event, or with other data in its place."""
        try:
            made = self._registry.decode(stored.type, stored.schema, stored.data if data is None else data)
        except HeadwaterError as error:
            return error
        if len(made) == 1:
            return Recorded(stored, made[0])
        return tuple([Recorded(stored, item) for item in made])
