"""URL options: what texts in the query of a URL mean, each read by a function of its name and its text."""

from __future__ import annotations

from collections.abc import Callable

from headwater.errors import ConfigurationError

__all__ = ["seconds", "switch", "whole"]


def whole(low: int, high: int) -> Callable[[str, str], int]:
    """A number without a fraction. Raises ConfigurationError for any other text."""

    def read(name: str, text: str) -> int:
        if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
            raise ConfigurationError(f"{name}={text!a} is no number from {low} to {high:,}")
        return int(text)

    return read


def seconds(low: float, high: float) -> Callable[[str, str], float]:
    """A number of seconds. Raises ConfigurationError for any other text."""

    def read(name: str, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not low <= number <= high:
            raise ConfigurationError(f"{name}={text!a} is no number of seconds from {low:g} to {high:g}")
        return number

    return read


def switch(name: str, text: str) -> bool:
    """`on` or `off`. Raises ConfigurationError for any other text."""
    if text.lower() not in {"on", "off"}:
        raise ConfigurationError(f"{name}={text!a} is none of on and off")
    return text.lower() == "on"
