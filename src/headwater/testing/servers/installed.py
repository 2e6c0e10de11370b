"""Installed: where a server's programs are, and what to do where they are not."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from headwater.errors import ConfigurationError

__all__ = ["find_programs", "not_installed"]

COMPOSE: Final = Path(__file__).with_name("compose.yaml")
"""The servers as containers."""


def find_programs(needed: Sequence[str], patterns: Iterable[str]) -> Path | None:
    """The folder that holds all of them: the one on PATH, else the one of the highest version that matches."""
    on_path = shutil.which(needed[0])
    first = [] if on_path is None else [Path(on_path).resolve().parent]
    matched = [path for pattern in patterns for path in Path("/").glob(pattern.lstrip("/"))]
    for folder in first + sorted(matched, key=_version, reverse=True):
        if all((folder / program).is_file() for program in needed):
            return folder
    return None


def not_installed(server: str, package: str, formula: str, what: str = "") -> ConfigurationError:
    """Says what to do here: `package` is Debian's, `formula` Homebrew's, `what` is missing, else the server itself."""
    missing = f"no {what or f'{server} server'} is installed here"
    if _docker_answers():
        return ConfigurationError(f"{missing}, but Docker is: docker compose -f {COMPOSE} up --wait {server}")
    if platform.system() == "Darwin":
        advice = f"brew install {formula}"
    elif shutil.which("apt-get"):
        advice = f"apt-get update && apt-get install --yes {package}"
    else:
        advice = f"install {server} with the system's packages"
    return ConfigurationError(f"{missing}, and no Docker answers: {advice}")


def _docker_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    try:
        return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=10).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _version(folder: Path) -> list[int]:
    """The numbers in a path, so that 17 stands above 9.6."""
    return [int(word) for word in "".join(c if c.isdecimal() else " " for c in str(folder)).split()]
