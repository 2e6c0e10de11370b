"""mypy and pyright, both strict, infer what is said in inferred.py and find the mistakes of mistakes.py.txt."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.architecture.modules import ROOT

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
Findings = dict[int, list[str]]
"""Rules by line."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the two files, outside of what `make types` checks."""
    folder = tmp_path_factory.mktemp("typing")
    (folder / "inferred.py").write_text((HERE / "inferred.py").read_text())
    (folder / "mistakes.py").write_text((HERE / "mistakes.py.txt").read_text())
    settings = {
        "include": ["."],
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
        "extraPaths": [str(ROOT / "src")],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    return folder


def run(*command: object) -> str:
    return subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def mypy(files: Path) -> dict[str, Findings]:
    found: dict[str, Findings] = defaultdict(lambda: defaultdict(list))
    said = run(BIN / "mypy", "--no-error-summary", "--no-pretty", files / "inferred.py", files / "mistakes.py")
    for file, line, code in re.findall(r"(\w+\.py):(\d+): error: .*\[([a-z-]+)\]$", said, re.MULTILINE):
        found[file][int(line)].append(code)
    assert found, said
    return found


@pytest.fixture(scope="module")
def pyright(files: Path) -> dict[str, Findings]:
    found: dict[str, Findings] = defaultdict(lambda: defaultdict(list))
    said = run(BIN / "pyright", "--pythonpath", sys.executable, "--outputjson", "-p", files)
    for one in json.loads(said)["generalDiagnostics"]:
        found[Path(one["file"]).name][one["range"]["start"]["line"] + 1].append(one["rule"])
    assert found, said
    return found


def expected(checker: str) -> Findings:
    """What the comments `# error-mypy: [code, code]` and `# error-pyright: [rule, rule]` say."""
    lines = (HERE / "mistakes.py.txt").read_text().splitlines()
    marks = ((number, re.search(rf"# error-{checker}: \[(.+?)\]", line)) for number, line in enumerate(lines, 1))
    return {number: sorted(mark[1].split(", ")) for number, mark in marks if mark}


def by_line(findings: Findings) -> Findings:
    return {line: sorted(set(rules)) for line, rules in sorted(findings.items())}


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_what_is_inferred(checker: str, request: pytest.FixtureRequest) -> None:
    assert by_line(request.getfixturevalue(checker)["inferred.py"]) == {}


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_what_is_found(checker: str, request: pytest.FixtureRequest) -> None:
    assert by_line(request.getfixturevalue(checker)["mistakes.py"]) == expected(checker)
