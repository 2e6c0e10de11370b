"""Location: which PostgreSQL database and schema hold a store, and how it is connected to, as a URL says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec

from headwater.domain.identifier import Identifier
from headwater.engines.sql.url_options import seconds, switch, whole
from headwater.errors import ConfigurationError

__all__ = ["Location"]

_DRIVERS: Final = frozenset({
    "host", "port", "user", "password", "passfile", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl",
    "target_session_attrs", "krbsrvname",
})  # fmt: skip
"""Options of libpq that go to the driver as they are."""
_MOST_PARTITIONS: Final = 1_024


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A database, the schema of the store, and the options its connections are opened with."""

    dsn: str
    """What the driver is given: `postgresql://…` with options of libpq only. It may hold a password."""
    shown: str
    """The same without a password: for errors and listings."""
    schema: str = "headwater"
    """The schema that holds the store's tables; made if it is not there."""
    partitions: int | None = None
    """Of the log, fixed when the store is made: 8 unless asked otherwise. Another number later is StoreMismatch."""
    pool: int = 10
    """Connections, at most; one of them listens, and one writes the groups of appends while there are any."""
    connect_timeout: float = 10.0
    """Seconds to wait for a connection, before StoreUnavailable."""
    lock_timeout: float = 5.0
    """Seconds to wait for a lock that another transaction holds, before StoreBusy."""
    statement_timeout: float = 60.0
    """Seconds to wait for what one statement answers, before StoreUnavailable. Making an index may take longer."""
    deadline: float = 15.0
    """Seconds in which an append whose connection broke is tried again or its outcome looked up."""
    synchronous: bool = True
    """False gives up, at a crash of the server, what was acknowledged in the last moments before it."""

    @property
    def idle_timeout(self) -> float:
        """Seconds for which a transaction may stand idle before the server ends it.

        Who waits for its locks does not give up before: neither for StoreBusy, nor at an append's deadline.
        """
        return min(self.lock_timeout, self.deadline) / 2

    @classmethod
    def parse(cls, url: str, query: Mapping[str, str]) -> Location:
        """Read `postgresql://user@host/database?schema=shop`; options in `query` go before those of the URL.

        Raises ConfigurationError for another form, an option that is unknown, or a value that is none of its.
        """
        try:
            parts = urlsplit(url)
            hosts = parts.netloc.rpartition("@")[2]
        except ValueError as error:
            raise ConfigurationError(f"this is no URL of a PostgreSQL database: {error}") from None
        if parts.fragment or not url.partition(":")[2].startswith("//"):
            raise ConfigurationError("write postgresql://user@host/database, with options after a question mark")
        given = dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(query)
        ours = {name: text for name, text in given.items() if name in _OPTIONS}
        driver = {name: text for name, text in given.items() if name in _DRIVERS}
        if unknown := given.keys() - ours.keys() - driver.keys():
            known = ", ".join([*_OPTIONS, *sorted(_DRIVERS)])
            raise ConfigurationError(f"postgresql:// has no option {min(unknown)!r}: it has {known}")
        user = parts.netloc.rpartition("@")[0].partition(":")[0]
        shown = f"postgresql://{user + '@' if user else ''}{hosts}{parts.path}"
        dsn = f"postgresql://{parts.netloc}{parts.path}" + (f"?{urlencode(driver, quote_via=quote)}" if driver else "")
        return msgspec.structs.replace(
            cls(dsn=dsn, shown=shown), **{name: _OPTIONS[name](name, text) for name, text in ours.items()}
        )


def _schema(name: str, text: str) -> str:
    schema = str(Identifier(text))
    if schema.startswith("pg_") or schema == "information_schema":
        raise ConfigurationError(f"{name}={text!a} is PostgreSQL's own: name another schema")
    return schema


_OPTIONS: Final[dict[str, Callable[[str, str], object]]] = {
    "schema": _schema,
    "partitions": whole(1, _MOST_PARTITIONS),
    "pool": whole(2, 1_000),
    "connect_timeout": seconds(0.1, 3_600),
    "lock_timeout": seconds(0.1, 3_600),
    "statement_timeout": seconds(0.1, 86_400),
    "deadline": seconds(0.1, 3_600),
    "synchronous": switch,
}
