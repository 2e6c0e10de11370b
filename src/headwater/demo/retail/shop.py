"""The shop as an application: its handlers, queries and projections on a store."""

from __future__ import annotations

from headwater import CQRSManager, Settings
from headwater.demo.retail.handlers import HANDLERS
from headwater.demo.retail.projections import PROJECTIONS
from headwater.demo.retail.queries import ShopQueries

__all__ = ["app", "shop"]


def shop(url: str, read_url: str | None = None, *, run_projections: bool = True) -> CQRSManager:
    """The shop on the store at `url`, its read models there or at `read_url`, not yet opened."""
    return CQRSManager(
        url,
        read_url=read_url,
        handlers=[*HANDLERS, ShopQueries()],
        projections=[projection() for projection in PROJECTIONS],
        run_projections=run_projections,
    )


def app() -> CQRSManager:
    """For the command line: `headwater run --app headwater.demo.retail.shop:app`, on the store HEADWATER_URL names."""
    settings = Settings.from_environment()
    return shop(settings.url, settings.read_url)
