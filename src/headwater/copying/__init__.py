"""Copying a store onto another engine."""

from headwater.copying.store_copy import Copied, StoreCopy

__all__ = ["Copied", "StoreCopy"]
