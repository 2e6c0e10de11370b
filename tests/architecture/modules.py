"""The source as the architecture tests see it: files, modules and syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"


def source_files() -> list[Path]:
    return sorted((SOURCE / "headwater").rglob("*.py"))


def written_tests() -> list[Path]:
    return sorted((ROOT / "tests").rglob("*.py"))


def module_name(path: Path) -> str:
    """`src/headwater/ports/log.py` is `headwater.ports.log`."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def module_names() -> list[str]:
    return [module_name(path) for path in source_files() if path.stem != "__main__"]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
