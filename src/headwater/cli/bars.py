"""Bars: how far, how fast, how long still; without a terminal a short line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from headwater.cli.printing import complain

__all__ = ["Bar", "DrawnBar", "ToldBar", "bar"]

_TELL_SECONDS: Final = 5.0


class Bar(Protocol):
    """Work in phases; each begins a line of its own."""

    def begin(self, phase: str, total: int | None) -> None:
        """A phase begins; `total` is None where it is not known."""
        ...

    def reached(self, done: int, total: int | None = None) -> None:
        """So much of the phase is done."""
        ...


class _Rate(ProgressColumn):
    """Units per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


class DrawnBar:
    """On a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._total: int | None = None

    def begin(self, phase: str, total: int | None) -> None:
        if self._task is not None and self._total is not None:
            self._progress.update(self._task, completed=self._total)
        self._total = total
        self._task = self._progress.add_task(phase, total=total)

    def reached(self, done: int, total: int | None = None) -> None:
        if self._task is not None:
            self._total = total or self._total
            self._progress.update(self._task, completed=done, total=self._total)


class ToldBar:
    """In a pipe or a log: one line every few seconds, none for work that is soon done."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._told = now()
        self._phase = ""
        self._total: int | None = None

    def begin(self, phase: str, total: int | None) -> None:
        self._phase, self._total = phase, total

    def reached(self, done: int, total: int | None = None) -> None:
        self._total = total or self._total
        if self._now() - self._told < _TELL_SECONDS:
            return
        self._told = self._now()
        complain(f"{self._phase} {done:,}" + (f" of {self._total:,}" if self._total else ""))


@contextmanager
def bar() -> Generator[Bar, None, None]:
    """A bar on standard error, or lines there if that is no terminal."""
    if not sys.stderr.isatty():
        yield ToldBar()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    shown = Progress(*columns, _Rate(), TimeRemainingColumn(), console=Console(stderr=True))
    with shown:
        yield DrawnBar(shown)
