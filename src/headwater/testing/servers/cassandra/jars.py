"""Jars of Cassandra, and the Java that runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from headwater.testing.servers.jars import Jars

__all__ = ["VERSION", "find_jars", "find_java"]

VERSION: Final = "5.0.6"

_JARS: Final = Jars("cassandra", VERSION, Path(__file__).with_name("pom.xml"), ("11", "17"))
find_jars: Final = _JARS.find
find_java: Final = _JARS.find_java
