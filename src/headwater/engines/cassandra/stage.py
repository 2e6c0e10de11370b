"""Stage: which generations a projection has, and in which tables of read models lies what; and how that changes.

Pure: each deed makes another stage of one. A read model's tables are numbered, from 0 for the one that
`ReadModelSchema.ensure` makes; a number is used once, so whoever has an older one in mind meets rows of its own or
no table at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from headwater.engines.sql.kept_generations import Kept
from headwater.ports.generations import Generation, State

__all__ = ["Filling", "Leaving", "ServedTable", "Stage", "Tables"]

replace = msgspec.structs.replace


class Filling(msgspec.Struct, frozen=True):
    """A generation, and the number of each of its tables while it is not served."""

    generation: Generation
    tables: dict[str, int] = {}
    """By name. Of the one that is served the names count alone: see `Tables.served`."""

    @property
    def kept(self) -> Kept:
        """As the functions that all engines share take it."""
        return Kept(self.generation, tuple(self.tables))


class ServedTable(msgspec.Struct, frozen=True):
    """The table of a read model that queries see."""

    number: int = 0
    moved: int = 0
    """When it took its place: greater each time."""


class Leaving(msgspec.Struct, frozen=True):
    """What is no longer anybody's and has yet to be taken away."""

    projection: str
    generation: int | None
    """None: no more than tables."""
    tables: tuple[tuple[str, int], ...]


class Tables(msgspec.Struct, frozen=True):
    """The tables of all read models of a store."""

    numbers: int = 0
    """The highest number that was given."""
    served: dict[str, ServedTable] = {}
    """By name, those that are not number 0 from the beginning."""
    leaving: tuple[Leaving, ...] = ()


class Stage(msgspec.Struct, frozen=True):
    """Of one projection, and the tables of all."""

    projection: str
    version: int | None = None
    """Of the store's tables: what is compared when they change; None: they never have."""
    tables: Tables = Tables()
    begun: int = 0
    """How many generations the projection has had."""
    fillings: tuple[Filling, ...] = ()
    """By number."""

    # -- what there is ---------------------------------------------------------

    @property
    def known(self) -> Mapping[int, Filling]:
        """By number. A projection that never began a generation has number 0, and serves it."""
        fillings = {each.generation.number: each for each in self.fillings}
        return fillings or {0: Filling(Generation(projection=self.projection, number=0))}

    @property
    def kept(self) -> Mapping[int, Kept]:
        """The same, as the functions that all engines share take it."""
        return {number: filling.kept for number, filling in self.known.items()}

    def begun_in(self, state: State) -> Filling | None:
        """The generation in this state, if any was begun."""
        return next((each for each in self.fillings if each.generation.state == state), None)

    def served(self, table: str) -> ServedTable:
        return self.tables.served.get(table, ServedTable())

    def number_of(self, filling: Filling, table: str) -> int | None:
        """Which table of this name has a generation's rows; None if it has none."""
        if filling.generation.state == "serving":
            return self.served(table).number
        return filling.tables.get(table)

    # -- deeds -----------------------------------------------------------------

    def numbered(self) -> Stage:
        """With one more number given: `tables.numbers`."""
        return replace(self, tables=replace(self.tables, numbers=self.tables.numbers + 1))

    def with_filling(self, filling: Filling) -> Stage:
        """With a generation more, or another one in its place."""
        others = [each for each in self.fillings if each.generation.number != filling.generation.number]
        fillings = tuple(sorted([*others, filling], key=lambda each: each.generation.number))
        return replace(self, fillings=fillings, begun=max(self.begun, filling.generation.number + 1))

    def without(self, filling: Filling) -> Stage:
        """With a generation less, which is not served, and its tables to be taken away."""
        number = filling.generation.number
        fillings = tuple([each for each in self.fillings if each.generation.number != number])
        return replace(self, fillings=fillings)._leaving(number, filling.tables.items())

    def serving(self, served: Filling, chosen: Filling) -> Stage:
        """With one generation in the place of another. What stands under a name to be served goes with that one."""
        leaving = {name: self.served(name).number for name in (*served.tables, *chosen.tables)}
        stage = self.numbered()  # for what nothing takes the place of: there is no table of that number
        numbers = {**dict.fromkeys(leaving, stage.tables.numbers), **chosen.tables}
        return (
            stage._with_served(numbers)
            .with_filling(Filling(replace(served.generation, state="previous"), leaving))
            .with_filling(Filling(replace(chosen.generation, state="serving"), dict(chosen.tables)))
        )

    def refilled(self, filling: Filling, names: Sequence[str], number: int) -> Stage:
        """With other, empty tables of a generation in the place of those it has; these are to be taken away."""
        before = [(name, kept) for name in names if (kept := self.number_of(filling, name)) is not None]
        stage = self._leaving(None, before)
        if filling.generation.state == "serving":
            return stage._with_served(dict.fromkeys(names, number))
        return stage.with_filling(replace(filling, tables={**filling.tables, **dict.fromkeys(names, number)}))

    def cleared(self, left: Leaving) -> Stage:
        """Once it is taken away."""
        leaving = tuple([each for each in self.tables.leaving if each != left])
        return replace(self, tables=replace(self.tables, leaving=leaving))

    def _leaving(self, generation: int | None, tables: Iterable[tuple[str, int]]) -> Stage:
        left = Leaving(self.projection, generation, tuple(tables))
        return replace(self, tables=replace(self.tables, leaving=(*self.tables.leaving, left)))

    def _with_served(self, numbers: Mapping[str, int]) -> Stage:
        moved = (self.version or 0) + 1
        served = {**self.tables.served, **{name: ServedTable(number, moved) for name, number in numbers.items()}}
        return replace(self, tables=replace(self.tables, served=served))
