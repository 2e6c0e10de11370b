"""The desk as an application: its handlers, queries and projections on a store."""

from __future__ import annotations

from headwater import CQRSManager, Settings
from headwater.demo.incidents.handlers import HANDLERS
from headwater.demo.incidents.projections import PROJECTIONS
from headwater.demo.incidents.queries import DeskQueries

__all__ = ["app", "desk"]


def desk(url: str, *, run_projections: bool = True) -> CQRSManager:
    """The desk on the store at `url`, not yet opened."""
    return CQRSManager(
        url,
        handlers=[*HANDLERS, DeskQueries()],
        projections=[projection() for projection in PROJECTIONS],
        run_projections=run_projections,
    )


def app() -> CQRSManager:
    """For `headwater run --app headwater.demo.incidents.desk:app`, on the store HEADWATER_URL names."""
    return desk(Settings.from_environment().url)
