"""For tests: a clock set by hand, example values, and the conformance suites every engine passes."""

from __future__ import annotations

from headwater.testing.clock import ManualClock

__all__ = ["ManualClock"]
