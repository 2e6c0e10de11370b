"""Kafka on this machine: one node, broker and controller."""

from __future__ import annotations

from headwater.testing.servers.kafka.server import KafkaServer

__all__ = ["KafkaServer"]
