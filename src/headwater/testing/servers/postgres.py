"""PostgresServer: PostgreSQL on this machine, in a folder of its own; it can be crashed and frozen for tests."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from headwater.errors import StoreUnavailable
from headwater.testing.servers import processes
from headwater.testing.servers.account import Account
from headwater.testing.servers.installed import find_programs, not_installed
from headwater.testing.servers.server import ServerStatus

__all__ = ["FOR_TESTS", "PostgresServer"]

FOR_TESTS: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "300",
}
"""Settings for stores that nobody misses: fast, and damaged should the machine itself fail."""

_HOST: Final = "127.0.0.1"
_USER: Final = "postgres"
_DATABASE: Final = "headwater"
_NEEDED: Final = ("initdb", "pg_ctl", "postgres", "psql")
_WHERE: Final = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
PATIENCE = "5"
"""Seconds in which a server answers, if it does."""
_SETTINGS: Final = {
    "listen_addresses": _HOST,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "log_line_prefix": "%m [%p] ",
    "timezone": "UTC",
}
_COLLATION: Final = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
"""As most databases have it, so that what is right by code points only is seen to be wrong."""


class PostgresServer:
    """A cluster below `folder`, for connections from this machine with a password that only the starter can read.

    `port` is taken over from the last start, else a free one; `settings` go into its configuration at each start.
    As root the server runs as `postgres` or `nobody`, who must be able to reach the folder.
    """

    name: Final = "postgres"

    def __init__(self, folder: Path, port: int | None = None, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._asked_port = port
        self._settings = dict(settings or {})
        self._account = Account("postgres", "nobody")
        self._data = folder / "data"
        self._log = folder / "log"
        self._password = folder / "pgpass"
        self._port = folder / "port"

    @property
    def port(self) -> int:
        """Raises StoreUnavailable where no server has been made."""
        try:
            return int(self._port.read_text())
        except OSError as error:
            raise StoreUnavailable(f"no PostgreSQL server was made in {str(self.folder)!r}: start one") from error

    @property
    def url(self) -> str:
        """It names the file that holds the password."""
        return self.url_of(_DATABASE)

    def url_of(self, database: str, user: str = _USER) -> str:
        """Another database, or another user with the same password."""
        passfile = quote(str(self._password.absolute()))
        return f"postgresql://{user}@{_HOST}:{self.port}/{database}?passfile={passfile}"

    @property
    def pid(self) -> int | None:
        """Of the postmaster; None if it does not run."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return None
        pid = int(lines[0]) if lines and lines[0].isdecimal() else 0
        is_ours = pid > 1 and processes.is_running(pid) and str(self._data.resolve()) in processes.command_of(pid)
        return pid if is_ours else None

    def start(self) -> None:
        """See Server."""
        if self.pid is not None:
            return
        if is_new := not (self._data / "PG_VERSION").exists():
            self._make()
        self._configure()
        started = self._run("pg_ctl", "start", "-D", self._data.resolve(), "-l", self._log, "-w", "-t", "60", "-s")
        if started:
            raise StoreUnavailable(
                f"PostgreSQL does not start in {str(self.folder)!r}: {started}; {self._last_words()}"
            )
        if is_new or not self.query(f"SELECT 1 FROM pg_database WHERE datname = '{_DATABASE}'", "postgres"):
            self._make_database()

    def stop(self, mode: str = "fast") -> bool:
        """See Server; `smart` waits for clients to leave, `immediate` leaves the recovery to the next start."""
        pid = self.pid
        if pid is None:
            return False
        processes.thaw(pid)
        family = processes.with_children(pid)
        if said := self._run("pg_ctl", "stop", "-D", self._data.resolve(), "-m", mode, "-w", "-t", "60", "-s"):
            raise StoreUnavailable(f"PostgreSQL does not stop: {said}; {self._last_words()}")
        processes.wait_until_gone(family)
        return True

    def restart(self, mode: str = "fast") -> None:
        """Stop and start on the same port."""
        self.stop(mode)
        self.start()

    def kill(self) -> None:
        """All its processes at once, as when the machine fails; what the system holds for the disk is kept."""
        if pid := self.pid:
            processes.kill(pid)
            # The id lives on until somebody asks how it ended, and a server does not start beside one that lives.
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def freeze(self) -> None:
        """Its processes stand still: connections stay open, and nobody answers."""
        if pid := self.pid:
            processes.freeze(pid)

    def thaw(self) -> None:
        """After `freeze`."""
        if pid := self.pid:
            processes.thaw(pid)

    def status(self) -> ServerStatus:
        """See Server."""
        pid = self.pid
        version = "" if pid is None else self.query("SHOW server_version", "postgres")
        return ServerStatus(
            engine=self.name,
            url=self.url if self._port.exists() else "",
            folder=str(self.folder),
            pid=pid,
            answers=bool(version),
            version=version,
        )

    def delete(self) -> None:
        """See Server."""
        if self.pid is not None:
            self.stop("immediate")
        for file in (self._port, self._password, self._log):
            file.unlink(missing_ok=True)
        if self._data.exists():
            shutil.rmtree(self._data)
        with suppress(OSError):  # what others have put there stays
            self.folder.rmdir()

    def query(self, statement: str, database: str = _DATABASE) -> str:
        """What one statement answers, columns apart by `|`; empty if it fails or the server does not answer."""
        psql = str(self._programs() / "psql")
        command = [psql, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, self.url_of(database)]
        done = Account().run(command, self.folder, {"PGCONNECT_TIMEOUT": PATIENCE})
        return done.stdout.strip() if done.returncode == 0 else ""

    def _make(self) -> None:
        programs = self._programs()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._account.must_reach(self._data)
        self._data.mkdir(exist_ok=True)
        self._account.own(self._data)
        password, given = secrets.token_urlsafe(24), self.folder / "password"
        _write_private(self._password, f"{_HOST}:*:*:*:{password}\n")
        _write_private(given, password)
        self._account.own(given)
        try:
            options = ("-U", _USER, "-A", "scram-sha-256", "--pwfile", given, "-E", "UTF8", "--locale=C")
            made = self._account.run([programs / "initdb", "-D", self._data, "-N", *options], self.folder)
        finally:
            given.unlink()
        if made.returncode != 0:
            raise StoreUnavailable(f"initdb fails in {str(self.folder)!r}: {made.stdout.strip()[-500:]}")
        with (self._data / "postgresql.conf").open("a") as file:
            file.write("\ninclude 'headwater.conf'\n")

    def _configure(self) -> None:
        port = self._asked_port or (self.port if self._port.exists() else _free_port())
        self._port.write_text(f"{port}\n")
        settings = {**_SETTINGS, "port": str(port), **self._settings}
        quoted = {name: value.replace("'", "''") for name, value in settings.items()}
        (self._data / "headwater.conf").write_text("".join(f"{name} = '{text}'\n" for name, text in quoted.items()))
        self._log.touch()
        for file in (self._data / "headwater.conf", self._log):
            self._account.own(file)

    def _make_database(self) -> None:
        for how in (_COLLATION, ""):
            self.query(f"CREATE DATABASE {_DATABASE} {how}", "postgres")
            if self.query("SELECT 1"):
                return
        raise StoreUnavailable(f"no database could be made: {self._last_words()}")

    def _run(self, program: str, *arguments: str | Path) -> str:
        """What it complains of; empty if all is well."""
        done = self._account.run([self._programs() / program, *arguments], self.folder)
        return "" if done.returncode == 0 else done.stdout.strip() or f"{program} ends with {done.returncode}"

    def _programs(self) -> Path:
        found = find_programs(_NEEDED, _WHERE)
        if found is None:
            raise not_installed("postgres", "postgresql", "postgresql@17")
        return found

    def _last_words(self) -> str:
        try:
            return f"the end of its log: {self._log.read_text(errors='replace')[-500:].strip()}"
        except OSError:
            return "it left no log"


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
