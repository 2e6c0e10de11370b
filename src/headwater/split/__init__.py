"""Split: the log in one store, the read side in another, together one engine."""

from __future__ import annotations

from headwater.split.engine import SplitEngine, split

__all__ = ["SplitEngine", "split"]
