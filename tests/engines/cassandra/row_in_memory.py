"""A row in memory: its cells as Cassandra keeps them, for tests of what is written in which order."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from headwater.engines.cassandra.rows.row_work import Placed, RowWork
from headwater.engines.cassandra.rows.sub_row import SubRow, merged
from headwater.engines.cassandra.rows.sub_row_cells import sub_row_of
from headwater.engines.cassandra.rows.table import OWN_COLUMNS, Table, table_of
from headwater.models.changes import Change
from headwater.models.fields import Scale
from headwater.models.model import Key, ReadModel


class Account(ReadModel, table="row_work_account"):
    id: Key[str]
    owner: str | None = None
    balance: Annotated[Decimal, Scale(2)] = Decimal(0)
    moves: int = 0
    last: datetime | None = None
    is_open: bool = True


class Cells:
    """A table in memory: of each cell the value that was written last, or the greater one of two at the same time."""

    def __init__(self) -> None:
        self.table: Table = table_of("k", Account, 0)
        self.rows: dict[tuple[int, int], dict[str, tuple[int, object]]] = {}

    def sub_rows(self) -> list[SubRow]:
        return [self._sub_row(place) for place in sorted(self.rows)]

    def row(self) -> ReadModel | None:
        return merged(self.sub_rows())

    def begun(self, part: int, *placed: Placed) -> RowWork:
        """A process that has read the row, and has yet to write it."""
        work = RowWork(self.table, "a", part)
        work.begin(self.sub_rows())
        work.changes.extend(placed)
        return work

    def write(self, work: RowWork, generation: int = 0) -> None:
        work.apply(generation)
        self.store(work)

    def store(self, work: RowWork) -> None:
        """What a process that has done its changes writes."""
        for values in work.parameters():
            assert None not in values.values()
            at = values.pop("timestamp")
            assert isinstance(at, int)
            place = values.pop("part"), values.pop("replayed")
            kept = self.rows.setdefault(place, {})  # type: ignore[arg-type]
            for name, value in values.items():
                kept[name] = max(kept.get(name, (-1, value)), (at, value), key=lambda cell: (cell[0], str(cell[1])))

    def page(self, *placed: Placed, part: int = 0, generation: int = 0) -> None:
        self.write(self.begun(part, *placed), generation)

    def seen(self) -> object:
        """All that a reader could tell, and when it was written."""
        return [(each, self.rows[each.part, each.replayed]["turn"]) for each in self.sub_rows()]

    def _sub_row(self, place: tuple[int, int]) -> SubRow:
        cells = {name: value for name, (_, value) in self.rows[place].items()} | dict(
            zip(("part", "replayed"), place, strict=True)
        )
        fields = [cells.get(f"f{at}") if name != "id" else "a" for at, name in enumerate(self.table.schema.names)]
        return sub_row_of(self.table, (*fields, *[cells[name[1:]] for name in OWN_COLUMNS]))


def at(offset: int, change: Change, *, is_replayed: bool = False, log_time: int | None = None) -> Placed:
    return Placed(change=change, offset=offset, log_time=log_time or 1_000 + offset, is_replayed=is_replayed)
