"""The shop as the command line finds it: on the stores HEADWATER_URL and HEADWATER_READ_URL name."""

from __future__ import annotations

import os

from headwater import CQRSManager, Settings
from tests.projections.mail import Mailing, Post
from tests.split.shop import shop

__all__ = ["POISON", "app"]

POISON = 13


def app() -> CQRSManager:
    """Takes no event of 13 units unless GOOD_NOW is set."""
    settings = Settings.from_environment()
    assert settings.read_url is not None
    return shop(settings.url, settings.read_url, Mailing(Post(), set() if "GOOD_NOW" in os.environ else {POISON}))
