"""Real servers for trials, tests and faults, on this machine only: a file for each, behind one port."""

from __future__ import annotations

from headwater.testing.servers.cassandra import CassandraServer
from headwater.testing.servers.kafka import KafkaServer
from headwater.testing.servers.postgres import PostgresServer
from headwater.testing.servers.server import Server, ServerStatus

__all__ = ["CassandraServer", "KafkaServer", "PostgresServer", "Server", "ServerStatus"]
