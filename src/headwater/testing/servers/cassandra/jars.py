"""Jars: Cassandra's programs, fetched by Maven once for all servers of a user, and the Java that runs them."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from headwater.errors import ConfigurationError, StoreUnavailable
from headwater.testing.servers.account import cache_folder
from headwater.testing.servers.installed import not_installed

__all__ = ["VERSION", "find_jars", "find_java"]

VERSION: Final = "5.0.6"

_JAVAS: Final = ("11", "17")
_WHERE: Final = (
    "/usr/lib/jvm/*{version}*/bin/java",
    "/opt/homebrew/opt/openjdk@{version}/bin/java",
    "/usr/local/opt/openjdk@{version}/bin/java",
    "/Library/Java/JavaVirtualMachines/*{version}*/Contents/Home/bin/java",
)
_POM: Final = Path(__file__).with_name("pom.xml")


def find_java() -> Path:
    """Of a version that Cassandra runs on: $JAVA_HOME's, the one on PATH, or what the system has.

    Raises ConfigurationError if there is none.
    """
    for candidate in _candidates():
        if candidate.is_file() and _version_of(candidate) in _JAVAS:
            return candidate
    raise _missing("Java 17")


def find_jars() -> Path:
    """The folder that holds them, filled first if need be, by one process of those that ask at once.

    Raises ConfigurationError if there is no Maven, StoreUnavailable if it cannot fetch them.
    """
    kept = cache_folder("cassandra") / VERSION
    if kept.is_dir():
        return kept
    maven = shutil.which("mvn")
    if maven is None:
        raise _missing("Maven")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with _alone(kept.with_name("lock")):
        if not kept.is_dir():
            _fetch(maven, kept)
    return kept


def _fetch(maven: str, kept: Path) -> None:
    with tempfile.TemporaryDirectory(dir=kept.parent) as name:
        fetched = Path(name) / "jars"
        command = [maven, "--batch-mode", "--quiet", "--file", str(_POM), "dependency:copy-dependencies"]
        options = ["-DincludeScope=runtime", f"-Dcassandra.version={VERSION}", f"-DoutputDirectory={fetched}"]
        done = subprocess.run(
            [*command, *options], cwd=name, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode != 0:
            raise StoreUnavailable(f"Maven does not fetch Cassandra {VERSION}: {done.stdout.strip()[-500:]}")
        fetched.rename(kept)  # whole or not at all


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path)
    for version in reversed(_JAVAS):
        for pattern in _WHERE:
            yield from sorted(Path("/").glob(pattern.format(version=version).lstrip("/")))


def _version_of(java: Path) -> str:
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return found[1] if found else ""


def _missing(what: str) -> ConfigurationError:
    return not_installed("cassandra", "openjdk-17-jre-headless maven", "openjdk@17 maven", what)


@contextmanager
def _alone(file: Path) -> Generator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
