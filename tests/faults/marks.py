"""The application of the faults that need one: commands emit marks, a projection counts them by stream."""

from __future__ import annotations

from headwater import (
    Aggregate,
    Command,
    Key,
    ProjectionHandler,
    Query,
    ReadModel,
    Recorded,
    Repository,
    Views,
    handles,
    on,
)
from tests.faults.operation import Mark

__all__ = ["CountMarks", "GetMarkCount", "MarkCount", "Marked", "PutMarks", "get_mark_count", "put_marks"]


class PutMarks(Command[int]):
    id: str
    """The command's own id, for the marks."""
    stream: str
    number: int


class GetMarkCount(Query["MarkCount | None"]):
    stream: str


class Marked(Aggregate, category="marked"):
    marks: int = 0

    def put(self, id: str, number: int) -> None:
        for part in range(1, number + 1):
            self.emit(Mark(id=id, part=part, of=number))

    @on(Mark)
    def marked(self, event: Mark) -> None:
        self.marks += 1


class MarkCount(ReadModel, table="mark_counts"):
    stream: Key[str]
    events: int = 0


class CountMarks(ProjectionHandler, writes=[MarkCount]):
    """Counts events, so that one handled twice, or not at all, shows."""

    @on(Mark)
    async def counted(self, event: Recorded[Mark], views: Views) -> None:
        await views.add(MarkCount, event.stream, events=1)


@handles(PutMarks)
async def put_marks(command: PutMarks, streams: Repository[Marked]) -> int:
    marked = await streams.get_by_id(command.stream) or Marked(command.stream)
    marked.put(command.id, command.number)
    await streams.save(marked)
    return marked.marks


@handles(GetMarkCount)
async def get_mark_count(query: GetMarkCount, views: Views) -> MarkCount | None:
    return await views.get(MarkCount, query.stream)
