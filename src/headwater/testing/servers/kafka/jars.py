"""Jars of Kafka, and the Java that runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from headwater.testing.servers.jars import Jars

__all__ = ["VERSION", "find_jars", "find_java"]

VERSION: Final = "4.1.1"

_JARS: Final = Jars("kafka", VERSION, Path(__file__).with_name("pom.xml"), ("21", "17"))
find_jars: Final = _JARS.find
find_java: Final = _JARS.find_java
