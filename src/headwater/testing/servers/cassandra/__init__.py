"""Cassandra on this machine: one node, or several on loopback addresses of their own."""

from __future__ import annotations

from headwater.testing.servers.cassandra.cluster import (
    FOR_TESTS,
    OPTIONS_FOR_TESTS,
    QUICK_START,
    CassandraServer,
)
from headwater.testing.servers.cassandra.node import CassandraNode

__all__ = ["FOR_TESTS", "OPTIONS_FOR_TESTS", "QUICK_START", "CassandraNode", "CassandraServer"]
