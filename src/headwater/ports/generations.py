"""Generations: fillings of a projection's read models, one of them served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from headwater.models.model import ReadModel
from headwater.ports.read_models import ReadModels

__all__ = ["Generation", "Generations", "NewGeneration", "State"]

State = Literal["serving", "building", "previous"]


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """One filling of a projection's read models from the log."""

    projection: str
    number: int
    """From 0; never used twice."""
    version: int = 1
    """Of the projection's declaration."""
    fingerprint: str = ""
    """Of the projection's code."""
    key_ranges: int = 1
    """Into how many ranges its keys are dealt, each with checkpoints of its own."""
    state: State = "serving"
    began_at: int = 0
    """Microseconds since 1970."""


class NewGeneration(msgspec.Struct, frozen=True, kw_only=True):
    """What a generation is to be."""

    projection: str
    version: int
    fingerprint: str
    key_ranges: int
    models: Sequence[type[ReadModel]]


class Generations(Protocol):
    """Which generation of each projection is served, which is being built, and which was served before.

    Law: at most one of each state for a projection; the first one is served from the start, in the tables that
    `ReadModelSchema.ensure` makes. Queries read what is served, always by the same names. A swap is one
    transaction: all read models of the projection change over together, and whoever is at work on either generation
    finds its epoch outdated. What is neither building, serving nor previous is dropped, rows, checkpoints and parked
    events. `changes` of the models move with a swap.
    """

    async def all(self, projection: str | None = None) -> Sequence[Generation]:
        """By projection and number."""
        ...

    async def begin(self, wanted: NewGeneration, beside: bool = True) -> Generation:
        """The first generation, served; else one that is built beside it, its tables empty.

        Without `beside`, the one that is served where there is one. One of the same version, code and key ranges that
        is being built already is returned as it is; another that is being built is dropped. Raises RebuildRefused for
        a version below the one that is served or built; StoreMismatch where a table of its name is there that no
        generation made.
        """
        ...

    async def swap(
        self, projection: str, number: int, was: Literal["building", "previous"] = "building", force: bool = False
    ) -> bool:
        """Serve the building or the previous generation; the one served becomes the previous one.

        Without `force` False, and nothing is changed, while a building one is behind the one served. Its side effects
        go on where those of the one served have come to, never again. Raises UnknownName if none of this number
        is in the state it `was`.
        """
        ...

    async def drop(self, projection: str, number: int) -> bool:
        """Forget a building or previous one; False if there is none such."""
        ...

    def rows(self, projection: str, number: int, models: Sequence[type[ReadModel]]) -> ReadModels:
        """Reads of the generation's own rows, whatever is served."""
        ...
