"""A disk that fills up: SQLite's own file system below real files, which has no room left when it is told so."""

from __future__ import annotations

import apsw

__all__ = ["FullDisk"]

_BASE = apsw.vfs_names()[0]
"""By its name: the empty name would mean the default, which is to be ours."""


class FullDisk(apsw.VFS):
    """While it exists, connections that are opened stand on it."""

    def __init__(self) -> None:
        self.has_room = True
        """For what is written."""
        self.has_names = True
        """For files that are new: inodes."""
        super().__init__("full disk", _BASE, makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if not self.has_names and path is not None and not self.xAccess(path, apsw.SQLITE_ACCESS_EXISTS):
            raise apsw.CantOpenError
        return _File(self, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk: FullDisk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        super().__init__(_BASE, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if not self._disk.has_room:
            raise apsw.FullError
        super().xWrite(data, offset)
