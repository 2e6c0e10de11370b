"""Location: which cluster and keyspace hold a store, and how they are reached, as a URL says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from headwater.domain.identifier import Identifier
from headwater.engines.sql.url_options import seconds, switch, whole
from headwater.errors import ConfigurationError

__all__ = ["Location"]

_PORT: Final = 9042
_FORM: Final = "write cassandra://host1,host2:9042/keyspace, with options after a question mark"
_MOST_PARTITIONS: Final = 1_024


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster, the keyspace of the store, and the options its requests are made with."""

    hosts: tuple[str, ...]
    """Contact points: the driver finds the other nodes by itself."""
    port: int = _PORT
    keyspace: str = ""
    user: str = ""
    password: str = ""
    partitions: int | None = None
    """Of the log, fixed when the store is made: 16 unless asked otherwise. Another number later is StoreMismatch."""
    events_per_chunk: int | None = None
    """Of a stream, that lie in one partition of Cassandra's: 10,000 unless asked otherwise, and no fewer than an append
    may have. A command is remembered over as many. Fixed when the store is made."""
    events_per_bucket: int | None = None
    """Of a partition of the log, that lie in one of Cassandra's: 50,000 unless asked otherwise. Fixed when the store is
    made."""
    replication: int | None = None
    """Replicas of a keyspace that is made: 3 unless asked otherwise, or as many as there are nodes where these are
    fewer. One that is there keeps what it has."""
    data_center: str = ""
    """The store's home: requests are agreed on by its replicas alone. Empty: by those of all data centres. Fixed when
    the store is made."""
    ca_file: str = ""
    """PEM of who signs the nodes' certificates: connections are encrypted, and nodes proved by it."""
    connect_timeout: float = 10.0
    """Seconds to wait for a connection, before StoreUnavailable."""
    request_timeout: float = 5.0
    """Seconds to wait for the answer to one request, of which an append makes several."""
    deadline: float = 15.0
    """Seconds in which an append is tried again or its outcome looked up, before AppendOutcomeUnknown."""
    in_flight: int = 512
    """Requests that may be on their way at once; more wait here."""
    sequencers: bool = True
    """False: this process copies nothing into the log, and leaves that to others."""

    @property
    def shown(self) -> str:
        """The URL without user, password and options: for errors and listings."""
        return f"cassandra://{','.join(self.hosts)}:{self.port}/{self.keyspace}"

    @classmethod
    def parse(cls, url: str, query: Mapping[str, str]) -> Location:
        """Read `cassandra://host1,host2/shop?partitions=32`; options in `query` go before those of the URL.

        Raises ConfigurationError for another form, an option that is unknown, or a value that is none of its.
        """
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise ConfigurationError(f"this is no URL of a Cassandra keyspace: {error}") from None
        account, _, netloc = parts.netloc.rpartition("@")
        hosts, port = _hosts_and_port(netloc)
        if parts.fragment or not url.partition(":")[2].startswith("//") or not hosts:
            raise ConfigurationError(_FORM)
        user, _, password = account.partition(":")
        given = dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(query)
        if unknown := given.keys() - _OPTIONS.keys():
            raise ConfigurationError(f"cassandra:// has no option {min(unknown)!r}: it has {', '.join(_OPTIONS)}")
        return cls(
            hosts=hosts,
            port=port,
            keyspace=_keyspace(parts.path),
            user=unquote(user),
            password=unquote(password),
            **{name: _OPTIONS[name](name, text) for name, text in given.items()},  # type: ignore[arg-type]
        )


def _hosts_and_port(netloc: str) -> tuple[tuple[str, ...], int]:
    """A port may stand behind any of the hosts: it is the same for all."""
    hosts, ports = list[str](), set[str]()
    for each in filter(None, netloc.split(",")):
        host, _, port = each.partition(":")
        hosts.append(host)
        ports |= {port} - {""}
    if len(ports) > 1:
        raise ConfigurationError("the nodes of a cluster listen on one port: name it once, behind the last host")
    port = ports.pop() if ports else str(_PORT)
    if "" in hosts or not (port.isascii() and port.isdecimal() and 1 <= int(port) <= 65_535):
        raise ConfigurationError(_FORM)
    return tuple(hosts), int(port)


def _keyspace(path: str) -> str:
    name = path.removeprefix("/")
    if not name or "/" in name:
        raise ConfigurationError(_FORM)
    keyspace = str(Identifier(name))
    if keyspace == "system" or keyspace.startswith("system_"):
        raise ConfigurationError(f"{keyspace!r} is Cassandra's own: name another keyspace")
    return keyspace


def _text(name: str, text: str) -> str:
    if not text:
        raise ConfigurationError(f"{name}= is empty: leave it out, or name one")
    return text


_OPTIONS: Final[dict[str, Callable[[str, str], object]]] = {
    "partitions": whole(1, _MOST_PARTITIONS),
    "events_per_chunk": whole(1_000, 100_000),
    "events_per_bucket": whole(1_000, 500_000),
    "replication": whole(1, 100),
    "data_center": _text,
    "ca_file": _text,
    "connect_timeout": seconds(0.1, 3_600),
    "request_timeout": seconds(0.1, 3_600),
    "deadline": seconds(0.1, 3_600),
    "in_flight": whole(1, 8_000),
    "sequencers": switch,
}
