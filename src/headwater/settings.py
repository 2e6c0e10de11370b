"""Settings: where the store is and how to reach it, from arguments or the environment (`HEADWATER_…`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Self, TypedDict

import msgspec

from headwater.errors import ConfigurationError

__all__ = ["Settings", "StoreArguments"]

_PREFIX = "HEADWATER_"


class StoreArguments(TypedDict):
    """What settings say to the constructor of `CQRSManager`."""

    engine: str
    read_url: str | None
    command_store: str
    event_store: str
    event_bus: str
    store_id: str | None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What changes between a laptop and production."""

    url: str = "sqlite:///headwater.db"
    """The store: sqlite:///shop.db, sqlite:////var/lib/shop.db, memory://"""
    read_url: str | None = None
    """Where read models and checkpoints are kept, if not beside the log."""
    command_store: str = "commands"
    event_store: str = "events"
    event_bus: str = "memory"
    store_id: str | None = None
    """The store expected at the URL; another one is StoreMismatch."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read HEADWATER_URL, HEADWATER_READ_URL, HEADWATER_STORE_ID, HEADWATER_EVENT_BUS, and the names of the tables.

        Those are HEADWATER_COMMAND_STORE and HEADWATER_EVENT_STORE. Raises ConfigurationError for an empty value.
        """
        given = os.environ if environment is None else environment
        names = {_PREFIX + name.upper(): name for name in cls.__struct_fields__}
        found = {name: given[variable] for variable, name in names.items() if variable in given}
        for name, value in found.items():
            if not value:
                raise ConfigurationError(f"{_PREFIX}{name.upper()} is empty: unset it or give it a value")
        return cls(**found)

    def arguments(self) -> StoreArguments:
        """For a manager with options beside these: `CQRSManager(**settings.arguments(), upcasters=[...])`."""
        return {
            "engine": self.url,
            "read_url": self.read_url,
            "command_store": self.command_store,
            "event_store": self.event_store,
            "event_bus": self.event_bus,
            "store_id": self.store_id,
        }
