"""Location: where a SQLite store is and how it is opened, as a URL says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from headwater.errors import ConfigurationError

__all__ = ["Location", "Synchronous"]

Synchronous = Literal["FULL", "NORMAL"]

_MEMORY: Final = frozenset({"", ":memory:"})


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A file, and the options its connections are opened with."""

    path: Path
    synchronous: Synchronous = "FULL"
    """FULL: what is acknowledged survives a power cut. NORMAL: it survives only the end of the process."""
    readers: int = 4
    """Read connections, each with a thread."""
    busy_timeout: float = 5.0
    """Seconds to wait for a lock that another process holds, before StoreBusy."""

    @classmethod
    def parse(cls, url: str, query: Mapping[str, str]) -> Location:
        """Read `sqlite:///relative.db` or `sqlite:////absolute.db`; options in `query` go before those of the URL.

        Raises ConfigurationError for another form, an option that is unknown, or a value that is none of its.
        """
        parts = urlsplit(url)
        try:
            path = unquote(parts.path.removeprefix("/"), errors="strict")
        except UnicodeDecodeError:
            raise ConfigurationError(f"{url!a} is no UTF-8 once unquoted: write %25 for a percent sign") from None
        if parts.netloc or parts.fragment or (path and not url.partition(":")[2].startswith("///")):
            raise ConfigurationError(
                f"{url!r} has a host, a fragment or too few slashes: write sqlite:///file.db, or sqlite:////folder/file.db"
            )
        if path in _MEMORY:
            raise ConfigurationError(
                "sqlite:/// names no file: write sqlite:///file.db, or memory:// for a store that is not kept"
            )
        if "\0" in path:
            raise ConfigurationError(f"{url!a} has a NUL in its path: take it out")
        given = dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(query)
        if unknown := given.keys() - _OPTIONS.keys():
            raise ConfigurationError(f"sqlite:// has no option {min(unknown)!r}: it has {', '.join(_OPTIONS)}")
        return msgspec.structs.replace(
            cls(path=Path(path)), **{name: _OPTIONS[name](text) for name, text in given.items()}
        )


def _synchronous(text: str) -> Synchronous:
    if text.upper() not in {"FULL", "NORMAL"}:
        raise ConfigurationError(f"synchronous={text!a} is none of full and normal")
    return cast("Synchronous", text.upper())


def _readers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise ConfigurationError(f"readers={text!a} is no number from 1 to 64")
    return int(text)


def _busy_timeout(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3_600:
        raise ConfigurationError(f"busy_timeout={text!a} is no number of seconds from 0 to 3600")
    return seconds


_OPTIONS: Final[dict[str, Callable[[str], object]]] = {
    "synchronous": _synchronous,
    "readers": _readers,
    "busy_timeout": _busy_timeout,
}
