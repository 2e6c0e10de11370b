"""One event in each of the four ways to declare it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

import attrs
import msgspec
import pydantic

from headwater.domain.messages import Event, EventLike

__all__ = ["AttrsEvent", "Colour", "DataclassEvent", "Line", "PydanticEvent", "StructEvent"]


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Line(msgspec.Struct, frozen=True):
    sku: str
    count: int = 1


class StructEvent(Event):
    id: str
    at: datetime
    key: UUID
    price: Decimal
    ratio: float
    colour: Colour = Colour.RED
    lines: tuple[Line, ...] = ()
    tags: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    blob: bytes = b""
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class DataclassEvent(EventLike):
    id: str
    at: datetime
    key: UUID
    price: Decimal
    ratio: float
    colour: Colour = Colour.RED
    lines: tuple[Line, ...] = ()
    note: str | None = None


@attrs.frozen(kw_only=True)
class AttrsEvent(EventLike):
    id: str
    at: datetime
    key: UUID
    price: Decimal
    ratio: float
    colour: Colour = Colour.RED
    lines: tuple[Line, ...] = ()
    note: str | None = None


class PydanticEvent(pydantic.BaseModel, EventLike):
    model_config = pydantic.ConfigDict(frozen=True)

    id: str
    at: datetime
    key: UUID
    price: Decimal
    ratio: float = pydantic.Field(alias="theRatio")
    colour: Colour = Colour.RED
    note: str | None = None
