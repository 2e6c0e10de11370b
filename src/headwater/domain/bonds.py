"""Bonds: what ties a store to another one."""

from __future__ import annotations

import msgspec

from headwater.errors import StoreMismatch

__all__ = ["Bonds"]


class Bonds(msgspec.Struct, frozen=True):
    """Whose log the read models of a store follow, and what its own log is a copy of."""

    store_id: str
    follows: str | None = None
    """None: nobody has said so yet."""
    copy_of: str | None = None
    copying: bool = False
    """Whether the copy is not finished."""

    def check_follows(self, store_id: str) -> None:
        """Raise StoreMismatch unless the read models follow the log of this store."""
        if self.copying:
            raise StoreMismatch(
                f"this store is an unfinished copy of store {self.copy_of}: run `headwater copy` until it is whole"
            )
        if self.follows != store_id:
            raise StoreMismatch(
                f"the read models kept here follow the log of store {self.follows or self.store_id}, "
                f"not that of {store_id}: check the URLs, or name a new store for them"
            )

    def check_becomes(self, store_id: str) -> None:
        """Raise StoreMismatch unless this is being made a copy of that store."""
        if self.copying and self.copy_of == store_id:
            return
        if self.follows is not None:
            raise StoreMismatch("an application has used this store: copy into a new one")
        if self.copy_of is None:
            raise StoreMismatch("this store has events of its own: copy into a new one")
        raise StoreMismatch(f"this store is a copy of store {self.copy_of}, not of {store_id}: copy into a new one")

    def check_copying(self) -> None:
        """Raise StoreMismatch unless this is being made a copy."""
        if not self.copying:
            raise StoreMismatch("this store is not being made a copy: begin it first")
