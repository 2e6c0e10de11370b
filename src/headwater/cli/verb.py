"""Verb: what every command of the line is wrapped in. An error of ours is one line and an exit code."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import ParamSpec

import typer

from headwater.cli.exits import ExitCode, exit_code_of
from headwater.cli.printing import complain
from headwater.errors import HeadwaterError

__all__ = ["verb"]

P = ParamSpec("P")


def verb(work: Callable[P, Coroutine[object, object, ExitCode | None]]) -> Callable[P, None]:
    """A plain function that runs the coroutine and exits with what it returns; None is DONE."""

    @functools.wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = asyncio.run(work(*args, **kwargs))
        except HeadwaterError as error:
            complain(error)
            raise typer.Exit(exit_code_of(error)) from error
        except ExceptionGroup as group:
            raise typer.Exit(_of_group(group)) from group
        except KeyboardInterrupt:
            complain("interrupted")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        if code:
            raise typer.Exit(code)

    return run


def _of_group(group: ExceptionGroup[Exception]) -> ExitCode:
    """Several tasks failed: the first of ours speaks for all; a group with anything else is raised as it is."""
    ours, others = group.split(HeadwaterError)
    if others is not None or ours is None:
        raise group
    error: BaseException = ours
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, HeadwaterError)  # split let nothing else through
    complain(error)
    return exit_code_of(error)
