"""URLs: what is understood, and what is refused."""

from __future__ import annotations

import pytest

from headwater.engines.postgres import open_engine
from headwater.engines.postgres.location import Location
from headwater.errors import ConfigurationError, InvalidIdentifier
from headwater.ports.engine import EngineOptions

URL = "postgresql://me@db.example:5433/shop"


def test_options_of_the_store_are_ours_and_the_rest_is_the_drivers() -> None:
    location = Location.parse(f"{URL}?schema=orders&sslmode=verify-full&partitions=4&sslrootcert=/ca%20b.pem", {})
    assert (location.schema, location.partitions) == ("orders", 4)
    assert location.dsn == f"{URL}?sslmode=verify-full&sslrootcert=%2Fca%20b.pem"


def test_what_is_not_said_has_a_default() -> None:
    assert Location.parse(URL, {}) == Location(dsn=URL, shown=URL)


def test_each_option_is_read() -> None:
    given = {
        "schema": "orders",
        "partitions": "1024",
        "pool": "2",
        "connect_timeout": "0.1",
        "lock_timeout": "2",
        "statement_timeout": "86400",
        "deadline": "2.5",
        "synchronous": "OFF",
    }
    read = Location.parse(URL, given)
    assert [getattr(read, name) for name in given] == ["orders", 1_024, 2, 0.1, 2.0, 86_400.0, 2.5, False]


def test_options_that_are_handed_in_go_before_those_of_the_url() -> None:
    location = Location.parse(f"{URL}?pool=3&synchronous=off", {"pool": "4", "sslmode": "require"})
    assert (location.pool, location.synchronous, location.dsn) == (4, False, f"{URL}?sslmode=require")


def test_no_password_is_shown() -> None:
    for secret in ("postgresql://me:s3cret@db/shop", "postgresql://me@db/shop?password=s3cret"):
        location = Location.parse(secret, {})
        assert "s3cret" in location.dsn
        assert location.shown == "postgresql://me@db/shop"


def test_several_hosts_are_the_drivers_to_choose_from() -> None:
    hosts = "postgresql://me@one:5432,two:5433/shop"
    location = Location.parse(f"{hosts}?target_session_attrs=primary", {})
    assert (location.dsn, location.shown) == (f"{hosts}?target_session_attrs=primary", hosts)


@pytest.mark.parametrize(("lock_timeout", "deadline", "idle"), [("5", "15", 2.5), ("600", "5", 2.5), ("1", "1", 0.5)])
def test_a_transaction_stands_idle_for_less_than_anybody_waits_for_it(
    lock_timeout: str, deadline: str, idle: float
) -> None:
    assert Location.parse(URL, {"lock_timeout": lock_timeout, "deadline": deadline}).idle_timeout == idle


@pytest.mark.parametrize(
    "url",
    [
        f"{URL}?sync=on",
        f"{URL}?options=-c%20jit=off",
        f"{URL}?application_name=me",
        f"{URL}?schema=pg_mine",
        f"{URL}?schema=information_schema",
        f"{URL}?partitions=0",
        f"{URL}?partitions=1025",
        f"{URL}?partitions=-1",
        f"{URL}?partitions=four",
        f"{URL}?partitions=",
        f"{URL}?partitions=%D9%A4",
        f"{URL}?pool=1",
        f"{URL}?pool=1001",
        f"{URL}?connect_timeout=0",
        f"{URL}?lock_timeout=0.05",
        f"{URL}?lock_timeout=nan",
        f"{URL}?statement_timeout=86401",
        f"{URL}?deadline=inf",
        f"{URL}?deadline=soon",
        f"{URL}?synchronous=yes",
        f"{URL}?synchronous=",
        f"{URL}#part",
        "postgresql:shop",
        "postgresql:/shop",
        "postgresql://[::1/shop",
    ],
)
def test_a_url_it_does_not_understand_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_engine(url, EngineOptions())


@pytest.mark.parametrize("schema", ["Shop", "", 'x"; DROP SCHEMA public;--', "x" * 49, "a b"])
def test_a_schema_has_the_name_of_one(schema: str) -> None:
    with pytest.raises(InvalidIdentifier):
        open_engine(URL, EngineOptions(query={"schema": schema}))


def test_an_unknown_option_is_told_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"no option 'sync': it has schema, partitions, .*, sslmode"):
        Location.parse(f"{URL}?sync=on", {})
