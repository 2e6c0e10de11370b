"""Account: whom a server runs as. Servers refuse root, so root lends them an account that may do nothing else."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from headwater.errors import ConfigurationError

__all__ = ["Account", "cache_folder", "state_folder"]

_OTHERS_MAY_PASS: Final = 0o001


def state_folder(server: str) -> Path:
    """Where a server's data lies unless a folder is named: with the user's state, for root with the system's."""
    if os.geteuid() == 0:
        return Path("/var/lib/headwater") / server
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "headwater" / server


def cache_folder(server: str) -> Path:
    """Where a server's programs are kept that were fetched, by the same rule."""
    if os.geteuid() == 0:
        return Path("/var/cache/headwater") / server
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headwater" / server


class Account:
    """The user, or for root the first of some accounts that there is."""

    def __init__(self, *preferred: str) -> None:
        self._lent = next(filter(None, map(_account, preferred)), None) if os.geteuid() == 0 else None

    def run(
        self, command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end in a folder, and keep what it says; what it starts and leaves stays."""
        return self._run(command, folder, environment, with_session=False)

    def start(self, command: Sequence[str | Path], folder: Path, log: Path) -> int:
        """Start a program that outlives this one, in a session of its own; its process id. What it says goes to `log`.

        Raises ConfigurationError if that cannot be.
        """
        detached = ["/bin/sh", "-c", '"$@" >>"$0" 2>&1 </dev/null & echo $!', log, *command]
        said = self._run(detached, folder, None, with_session=True).stdout.strip()
        if not said.isdecimal():
            raise ConfigurationError(f"{str(command[0])!r} cannot be started: {said[-500:]}")
        return int(said)

    def _run(
        self,
        command: Sequence[str | Path],
        folder: Path,
        environment: Mapping[str, str] | None,
        *,
        with_session: bool,
    ) -> subprocess.CompletedProcess[str]:
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
            start_new_session=with_session,
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
