"""Bars: how far, how fast, how long still; only where standard error is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

__all__ = ["Bar", "bar"]


class _Rate(ProgressColumn):
    """Units per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


class Bar:
    """Work in phases; each begins a line of its own. Without a terminal it does nothing."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._total: int | None = None

    def begin(self, phase: str, total: int | None) -> None:
        """A phase begins; `total` is None where it is not known."""
        self._finish()
        self._total = total
        if self._progress is not None:
            self._task = self._progress.add_task(phase, total=total)

    def reached(self, done: int, total: int | None = None) -> None:
        """So much of the phase is done."""
        if self._progress is not None and self._task is not None:
            self._total = total or self._total
            self._progress.update(self._task, completed=done, total=self._total)

    def _finish(self) -> None:
        if self._progress is not None and self._task is not None and self._total is not None:
            self._progress.update(self._task, completed=self._total)


@contextmanager
def bar() -> Generator[Bar, None, None]:
    """A bar on standard error; a silent one if that is no terminal."""
    if not sys.stderr.isatty():
        yield Bar(None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    shown = Progress(*columns, _Rate(), TimeRemainingColumn(), console=Console(stderr=True))
    with shown:
        yield Bar(shown)
