"""URLs: what is understood, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.engines.sqlite import open_engine
from headwater.engines.sqlite.location import Location
from headwater.errors import ConfigurationError
from headwater.ports.engine import EngineOptions


def test_three_slashes_are_relative_and_four_are_absolute() -> None:
    assert Location.parse("sqlite:///shop.db", {}).path == Path("shop.db")
    assert Location.parse("sqlite:////srv/shop.db", {}).path == Path("/srv/shop.db")
    assert Location.parse("sqlite:////srv/a%20shop.db", {}).path == Path("/srv/a shop.db")


def test_what_is_acknowledged_is_on_the_disk_unless_asked_otherwise() -> None:
    assert Location.parse("sqlite:///x.db", {}).synchronous == "FULL"
    assert Location.parse("sqlite:///x.db?synchronous=normal", {}).synchronous == "NORMAL"


def test_options_come_from_the_url_and_go_before_it() -> None:
    location = Location.parse("sqlite:///x.db?readers=2&busy_timeout=0.5", {"readers": "3"})
    assert (location.readers, location.busy_timeout) == (3, 0.5)


def test_memory_is_refused_with_a_hint() -> None:
    for url in ("sqlite://", "sqlite:///", "sqlite:///:memory:"):
        with pytest.raises(ConfigurationError, match="memory://"):
            open_engine(url, EngineOptions())


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///x.db?sync=full",
        "sqlite:///x.db?synchronous=off",
        "sqlite:///x.db?synchronous=",
        "sqlite:///x.db?readers=0",
        "sqlite:///x.db?readers=-1",
        "sqlite:///x.db?readers=many",
        "sqlite:///x.db?busy_timeout=-1",
        "sqlite:///x.db?busy_timeout=nan",
        "sqlite:///x.db?busy_timeout=soon",
        "sqlite://host/x.db",
        "sqlite:///x.db#part",
        "sqlite:///x%00.db",
        "sqlite:///per%cent.db",
        "sqlite:/srv/x.db",
        "sqlite:x.db",
    ],
)
def test_a_url_it_does_not_understand_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_engine(url, EngineOptions())
