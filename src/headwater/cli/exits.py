"""Exit codes: what a script can tell from them."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from headwater.errors import ConfigurationError, HeadwaterError, InvalidInput, StoreError

__all__ = ["EXIT_CODES", "ExitCode", "exit_code_of"]

EXIT_CODES: Final = """Exit codes: 0 done · 1 checked, and something is wrong · 2 wrong usage or configuration ·
3 the store cannot be used now · 4 refused or failed for another reason · 130 interrupted"""


class ExitCode(IntEnum):
    DONE = 0
    WRONG = 1
    """A check (verify, doctor, consistency check, demo --check) found something."""
    USAGE = 2
    STORE = 3
    REFUSED = 4
    INTERRUPTED = 130


def exit_code_of(error: HeadwaterError) -> ExitCode:
    """By the branch of the tree the error is on."""
    if isinstance(error, InvalidInput | ConfigurationError):
        return ExitCode.USAGE
    return ExitCode.STORE if isinstance(error, StoreError) else ExitCode.REFUSED
