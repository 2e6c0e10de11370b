"""The shop of the projections, on every engine."""

from __future__ import annotations

from tests.projections.conftest import clock, engine, shop

__all__ = ["clock", "engine", "shop"]
