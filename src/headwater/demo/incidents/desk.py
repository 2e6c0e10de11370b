"""The desk as an application: its handlers, queries and projections on a store."""

from __future__ import annotations

from headwater import CQRSManager, Settings
from headwater.demo.incidents.handlers import HANDLERS
from headwater.demo.incidents.projections import PROJECTIONS
from headwater.demo.incidents.queries import DeskQueries

__all__ = ["app", "desk"]


def desk(url: str, read_url: str | None = None, *, run_projections: bool = True) -> CQRSManager:
    """The desk on the store at `url`, its read models there or at `read_url`, not yet opened."""
    return CQRSManager(
        url,
        read_url=read_url,
        handlers=[*HANDLERS, DeskQueries()],
        projections=[projection() for projection in PROJECTIONS],
        run_projections=run_projections,
    )


def app() -> CQRSManager:
    """For `headwater run --app headwater.demo.incidents.desk:app`, on the store HEADWATER_URL names."""
    settings = Settings.from_environment()
    return desk(settings.url, settings.read_url)
