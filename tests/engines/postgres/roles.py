"""Roles of their own, for what a session inherits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from tests.engines.servers import execute, postgres_url

__all__ = ["a_role", "as_role"]


@asynccontextmanager
async def a_role(**settings: str) -> AsyncIterator[str]:
    """The name of one that may do everything, and whose sessions begin with these settings."""
    base, role = await asyncio.to_thread(postgres_url), f"inheriting_{uuid4().hex}"
    await execute(base, f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{role}'")
    try:
        for name, value in settings.items():
            await execute(base, f"ALTER ROLE {role} SET {name} = '{value}'")
        yield role
    finally:
        await execute(base, f"REASSIGN OWNED BY {role} TO CURRENT_USER; DROP ROLE {role}")


def as_role(url: str, role: str) -> str:
    """The URL of a store for such a role."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}:{role}@{parts.netloc.rpartition('@')[2]}"))
