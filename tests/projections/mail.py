"""Stock that sends mail: a projection with side effects, for the tests of what is done once."""

from __future__ import annotations

from collections import Counter

from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.projections.after_commit import after_commit
from headwater.projections.handler import ProjectionHandler
from headwater.projections.synchronizer import ReadModelSynchronizer
from headwater.read_models.views import Views
from tests.projections.shop import Added, Poisonous, Shop, StockView

__all__ = ["Mailing", "Post", "Quiet", "history", "run_to_the_end", "started"]


class Post:
    """Where the mail goes, whoever sends it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int]] = []
        """Stream and version of each event that somebody was told of."""

    @property
    def counts(self) -> Counter[str]:
        """Mails by stream."""
        return Counter(stream for stream, _ in self.sent)

    def versions(self, stream: str) -> list[int]:
        return [version for name, version in self.sent if name == stream]


class Quiet(ProjectionHandler, writes=[StockView], name="mailing"):
    """Counts what is added to each item, but for the amounts in `poison`."""

    def __init__(self, post: Post, poison: set[int] | None = None) -> None:
        self.post = post
        self.poison = poison or set()

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        if e.data.units in self.poison:
            raise Poisonous(f"{e.data.units} units")
        await views.add(StockView, e.stream, units=e.data.units, events=1)


class Mailing(Quiet, name="mailing"):
    @after_commit(Added)
    async def told(self, e: Recorded[Added]) -> None:
        self.post.sent.append((e.stream, e.version))


async def history(shop: Shop, events: int = 20, items: int = 4) -> None:
    """Events of one unit, dealt round the items."""
    for number in range(events):
        await shop.append(f"item-{number % items}", Added(units=1))


async def started(shop: Shop, *handlers: ProjectionHandler) -> ReadModelSynchronizer:
    """As another process would run them, and caught up."""
    synchronizer = shop.synchronizer(*handlers, parts=shop.fresh_parts())
    await synchronizer.start()
    await synchronizer.caught_up()
    return synchronizer


async def run_to_the_end(shop: Shop, *handlers: ProjectionHandler) -> None:
    """Run them as a process of their own until the log's end, and stop."""
    await (await started(shop, *handlers)).stop()
