"""KafkaServer: a broker on this machine, in a folder of its own; it can be crashed and frozen for tests."""

from __future__ import annotations

import base64
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from headwater.errors import StoreUnavailable
from headwater.testing.servers.account import Account
from headwater.testing.servers.kafka.jars import VERSION, find_jars, find_java
from headwater.testing.servers.kafka.wire import greet
from headwater.testing.servers.kept_process import KeptProcess, complaints
from headwater.testing.servers.ports import free_port, must_be_free
from headwater.testing.servers.server import ServerStatus

__all__ = ["KafkaServer"]

PATIENCE = 5.0
"""Seconds in which it answers, if it does."""
_START_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.1
_HOST: Final = "127.0.0.1"
_SHIPPED: Final = Path(__file__).parent
_MAIN: Final = "kafka.Kafka"
_FORMAT: Final = "kafka.tools.StorageTool"


class _Made(msgspec.Struct, frozen=True, kw_only=True):
    """What stays the same from one start to the next."""

    cluster: str
    port: int
    """Of clients."""
    controller_port: int


class KafkaServer:
    """One node below `folder`, broker and controller, for connections from this machine, without a password.

    `port` is taken over from the first start, else a free one. `settings` go into its server.properties at each start;
    an empty setting leaves its line away. As root it runs as `kafka` or `nobody`, who must be able to reach the folder.
    """

    name: Final = "kafka"

    def __init__(self, folder: Path, port: int | None = None, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._asked_port = port
        self._settings = dict(settings or {})
        self._account = Account("kafka", "nobody")
        self._conf = folder / "conf"
        self._data = folder / "data"
        self._layout = folder / "server.json"
        self._process = KeptProcess(folder, self._account, str(self._conf.absolute()))

    @property
    def port(self) -> int:
        """Raises StoreUnavailable where no broker has been made."""
        made = self._made()
        if made is None:
            raise StoreUnavailable(f"no Kafka was made in {str(self.folder)!r}: start one")
        return made.port

    @property
    def servers(self) -> str:
        """As Kafka's own clients are told of it. Raises StoreUnavailable where none has been made."""
        return f"{_HOST}:{self.port}"

    @property
    def url(self) -> str:
        """Raises StoreUnavailable where none has been made."""
        return f"kafka://{self.servers}"

    @property
    def pid(self) -> int | None:
        """None if it does not run."""
        return self._process.pid

    def start(self) -> None:
        """See Server."""
        if self.pid is not None:
            return
        java, jars = find_java(), find_jars()
        made = self._laid_out()
        must_be_free(_HOST, (made.port, made.controller_port))
        self._configure(made)
        if not (self._data / "meta.properties").exists():
            self._format(made, java, jars)
        self._process.launch(self._command(java, jars, _MAIN, str(self.properties)))
        self._wait()

    def stop(self) -> bool:
        """See Server."""
        return self._process.stop()

    def restart(self) -> None:
        """Stop and start on the same port."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """At once, as when its machine fails; what the system holds for the disk is kept."""
        self._process.kill()

    def freeze(self) -> None:
        """It stands still: connections stay open, and it does not answer."""
        self._process.freeze()

    def thaw(self) -> None:
        """After `freeze`."""
        self._process.thaw()

    def status(self) -> ServerStatus:
        """See Server."""
        pid, answers = self.pid, False
        if pid is not None:
            with suppress(StoreUnavailable):
                greet(_HOST, self.port, PATIENCE)
                answers = True
        return ServerStatus(
            engine=self.name,
            url="" if self._made() is None else self.url,
            folder=str(self.folder),
            pid=pid,
            answers=answers,
            version=VERSION if answers else "",
        )

    def delete(self) -> None:
        """See Server."""
        self.kill()
        for folder in (self._conf, self._data):
            if folder.exists():
                shutil.rmtree(folder)
        for name in ("server.json", "log", "log.previous", "pid"):
            (self.folder / name).unlink(missing_ok=True)
        with suppress(OSError):  # what others have put there stays
            self.folder.rmdir()

    def tool(self, main: str, *arguments: str) -> Sequence[str]:
        """The command that runs one of Kafka's own tools, by the name of its class."""
        return self._command(find_java(), find_jars(), main, *arguments)

    @property
    def properties(self) -> Path:
        """The file with its settings, as of its last start."""
        return (self._conf / "server.properties").absolute()

    def _made(self) -> _Made | None:
        try:
            return msgspec.json.decode(self._layout.read_bytes(), type=_Made)
        except FileNotFoundError:
            return None

    def _laid_out(self) -> _Made:
        made = self._made()
        if made is None:
            port = self._asked_port or free_port([_HOST])
            made = _Made(cluster=_cluster_id(), port=port, controller_port=free_port([_HOST], but=port))
        elif self._asked_port:
            made = msgspec.structs.replace(made, port=self._asked_port)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._layout.write_bytes(msgspec.json.encode(made) + b"\n")
        return made

    def _configure(self, made: _Made) -> None:
        self._account.must_reach(self._data)
        for folder in (self._conf, self._data):
            folder.mkdir(exist_ok=True)
        for name in ("jvm.options", "log4j2.xml"):
            shutil.copy(_SHIPPED / name, self._conf)
        controller = f"{_HOST}:{made.controller_port}"
        place = {
            "listeners": f"PLAINTEXT://{_HOST}:{made.port},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{_HOST}:{made.port}",
            "controller.quorum.voters": f"1@{controller}",
            "log.dirs": str(self._data.absolute()),
        }
        settings = {**_shipped_settings(), **place, **self._settings}
        self.properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items() if value))
        self._account.own(self._data)

    def _format(self, made: _Made, java: Path, jars: Path) -> None:
        arguments = ("format", "--cluster-id", made.cluster, "--config", str(self.properties))
        done = self._account.run(self._command(java, jars, _FORMAT, *arguments), self.folder)
        if done.returncode != 0:
            raise StoreUnavailable(f"Kafka's storage cannot be made: {complaints(done.stdout)}")

    def _command(self, java: Path, jars: Path, main: str, *arguments: str) -> list[str]:
        conf = self._conf.absolute()
        logging = f"-Dlog4j2.configurationFile={(conf / 'log4j2.xml').as_uri()}"
        return [str(java), f"@{conf / 'jvm.options'}", logging, "-cp", f"{jars}/*", main, *arguments]

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self.status().answers:
            if self.pid is None or time.monotonic() > deadline:
                raise StoreUnavailable(f"Kafka does not start in {str(self.folder)!r}: {self._process.last_words()}")
            time.sleep(_POLL_SECONDS)


def _shipped_settings() -> dict[str, str]:
    lines = (_SHIPPED / "server.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def _cluster_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
