"""Account: whom a server runs as. Servers refuse root, so root lends them an account that may do nothing else."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from headwater.errors import ConfigurationError

__all__ = ["Account", "state_folder"]

_OTHERS_MAY_PASS: Final = 0o001


def state_folder(server: str) -> Path:
    """Where a server's data lies unless a folder is named: with the user's state, for root with the system's."""
    if os.geteuid() == 0:
        return Path("/var/lib/headwater") / server
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "headwater" / server


class Account:
    """The user, or for root the first of some accounts that there is."""

    def __init__(self, *preferred: str) -> None:
        self._lent = next(filter(None, map(_account, preferred)), None) if os.geteuid() == 0 else None

    def run(
        self, command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end in a folder, and keep what it says; what it starts and leaves stays."""
        env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC", **(environment or {})}
        lent = self._lent
        return subprocess.run(
            command,
            cwd=folder,
            env=env,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            user=lent.pw_uid if lent else None,
            group=lent.pw_gid if lent else None,
            extra_groups=[] if lent else None,
        )

    def own(self, path: Path) -> None:
        """Make a file or folder its."""
        if self._lent:
            os.chown(path, self._lent.pw_uid, self._lent.pw_gid)

    def must_reach(self, folder: Path) -> None:
        """Raises ConfigurationError where the account may not pass a folder on the way."""
        for parent in folder.resolve().parents if self._lent else ():
            if not parent.stat().st_mode & _OTHERS_MAY_PASS and parent.stat().st_uid != self._lent_id():
                raise ConfigurationError(
                    f"the server runs as {self.name}, for whom {str(parent)!r} is closed: name another folder"
                )

    @property
    def name(self) -> str:
        return self._lent.pw_name if self._lent else pwd.getpwuid(os.geteuid()).pw_name

    def _lent_id(self) -> int:
        return self._lent.pw_uid if self._lent else os.geteuid()


def _account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
