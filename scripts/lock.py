"""Write the lock files: `python scripts/lock.py`, or `make lock`.

`requirements.lock` holds the core, every extra and the dev group; `requirements-bench.lock` holds the peers that the
benchmarks run beside, constrained to the versions of the former; `requirements-bench-3.13.lock` holds the one that
needs Python 3.13, and is left as it is where there is none. All carry hashes and name no index, so they install from
whatever index the machine is set up for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON_3_13 = ROOT / ".venv-peers-3.13" / "bin" / "python"
OPTIONS = (
    "--allow-unsafe",
    "--generate-hashes",
    "--no-build-isolation",
    "--no-emit-find-links",
    "--no-emit-index-url",
    "--no-emit-options",
    "--no-emit-trusted-host",
    "--strip-extras",
    "--quiet",
)


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    groups = project["dependency-groups"]
    core = [*project["project"]["dependencies"], *(line for extra in extras for line in extra)]
    pin([*core, *groups["dev"]], "requirements.lock")
    pin(groups["bench"], "requirements-bench.lock", "--constraint", "requirements.lock")
    if PYTHON_3_13.exists():
        subprocess.run([PYTHON_3_13, "-m", "pip", "install", "--quiet", "pip-tools", "wheel"], check=True)
        pin(groups["bench-3-13"], "requirements-bench-3.13.lock", python=PYTHON_3_13)


def pin(requirements: list[str], lock: str, *options: str, python: Path = Path(sys.executable)) -> None:
    """Resolve `requirements` into `lock`, keeping the versions it already holds unless `-U` is among our arguments."""
    command = [str(python), "-m", "piptools", "compile", *OPTIONS, *options, *sys.argv[1:], "-o", lock, "-"]
    subprocess.run(
        command,
        input="\n".join(requirements),
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "CUSTOM_COMPILE_COMMAND": "make lock"},
    )


if __name__ == "__main__":
    main()
