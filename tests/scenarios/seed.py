"""The seed's first user."""

from __future__ import annotations

from examples.users.messages import CreateUser

__all__ = ["JOHN"]

JOHN = CreateUser(user_id="u1", email="john@example.com", name="John Doe")
