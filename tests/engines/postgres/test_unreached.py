"""A store that cannot be reached at first says which one, and why; never the password."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from headwater.engines.postgres import open_engine
from headwater.errors import ConfigurationError, HeadwaterError, StoreUnavailable
from headwater.ports.engine import EngineOptions
from tests.faults.postgres_servers import with_options

PASSWORD = "open-sesame"


async def refused(url: str) -> HeadwaterError:
    with pytest.raises(HeadwaterError) as caught:
        await open_engine(url, EngineOptions()).open()
    assert PASSWORD not in str(caught.value)
    return caught.value


async def test_a_port_that_is_no_number() -> None:
    error = await refused(f"postgresql://ann:{PASSWORD}@127.0.0.1:abc/shop")
    assert isinstance(error, ConfigurationError)
    assert "ann@127.0.0.1:abc" in str(error)


async def test_an_sslmode_that_is_none() -> None:
    error = await refused(f"postgresql://ann:{PASSWORD}@127.0.0.1:1/shop?sslmode=bogus")
    assert isinstance(error, ConfigurationError)
    assert "sslmode" in str(error)


async def test_nobody_listens() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        error = await refused(f"postgresql://ann:{PASSWORD}@127.0.0.1:{port}/shop")
    assert isinstance(error, StoreUnavailable)
    assert f"ann@127.0.0.1:{port}/shop" in str(error)


async def test_a_server_without_tls(postgres: str) -> None:
    error = await refused(with_options(postgres, sslmode="require"))
    assert isinstance(error, StoreUnavailable)
    assert "SSL" in str(error)


async def test_a_database_that_is_not_there(postgres: str) -> None:
    parts = urlsplit(postgres)
    error = await refused(parts._replace(path="/nowhere").geturl())
    assert isinstance(error, StoreUnavailable)
    assert "/nowhere" in str(error)
    assert "no such database" in str(error)
