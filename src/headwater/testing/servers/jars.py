"""Jars: a server's programs, fetched by Maven once for all servers of a user, and the Java that runs them."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from headwater.errors import ConfigurationError, StoreUnavailable
from headwater.testing.servers.account import cache_folder
from headwater.testing.servers.installed import not_installed

__all__ = ["Jars"]

_WHERE: Final = (
    "/usr/lib/jvm/*{version}*/bin/java",
    "/opt/homebrew/opt/openjdk@{version}/bin/java",
    "/usr/local/opt/openjdk@{version}/bin/java",
    "/Library/Java/JavaVirtualMachines/*{version}*/Contents/Home/bin/java",
)


class Jars:
    """Those of one version of a server.

    Args:
        pom: names them, and the version as `${server.version}`.
        javas: versions that the server runs on, the best one last.
    """

    def __init__(self, server: str, version: str, pom: Path, javas: Sequence[str]) -> None:
        self._server = server
        self._version = version
        self._pom = pom
        self._javas = tuple(javas)

    def find_java(self) -> Path:
        """Of a version that the server runs on: $JAVA_HOME's, the one on PATH, or what the system has.

        Raises ConfigurationError if there is none.
        """
        for candidate in self._candidates():
            if candidate.is_file() and _version_of(candidate) in self._javas:
                return candidate
        raise self._missing(f"Java {self._javas[-1]}")

    def find(self) -> Path:
        """The folder that holds them, filled first if need be, by one process of those that ask at once.

        Raises ConfigurationError if there is no Maven, StoreUnavailable if it cannot fetch them.
        """
        kept = cache_folder(self._server) / self._version
        if kept.is_dir():
            return kept
        maven = shutil.which("mvn")
        if maven is None:
            raise self._missing("Maven")
        kept.parent.mkdir(parents=True, exist_ok=True)
        with _alone(kept.with_name("lock")):
            if not kept.is_dir():
                self._fetch(maven, kept)
        return kept

    def _fetch(self, maven: str, kept: Path) -> None:
        with tempfile.TemporaryDirectory(dir=kept.parent) as name:
            fetched = Path(name) / "jars"
            command = [maven, "--batch-mode", "--quiet", "--file", str(self._pom), "dependency:copy-dependencies"]
            options = ["-DincludeScope=runtime", f"-Dserver.version={self._version}", f"-DoutputDirectory={fetched}"]
            done = subprocess.run(
                [*command, *options], cwd=name, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
            )
            if done.returncode != 0:
                raise StoreUnavailable(
                    f"Maven does not fetch {self._server} {self._version}: {done.stdout.strip()[-500:]}"
                )
            fetched.rename(kept)  # whole or not at all

    def _candidates(self) -> Iterator[Path]:
        if home := os.environ.get("JAVA_HOME"):
            yield Path(home) / "bin" / "java"
        if on_path := shutil.which("java"):
            yield Path(on_path)
        for version in reversed(self._javas):
            for pattern in _WHERE:
                yield from sorted(Path("/").glob(pattern.format(version=version).lstrip("/")))

    def _missing(self, what: str) -> ConfigurationError:
        return not_installed(self._server, "openjdk-17-jre-headless maven", "openjdk@17 maven", what)


def _version_of(java: Path) -> str:
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return found[1] if found else ""


@contextmanager
def _alone(file: Path) -> Generator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
