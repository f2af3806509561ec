"""Errors of usage: what was asked for cannot be."""

from __future__ import annotations

MOST_SECONDS = 100_000_000
"""Of a limit on time, three years: more than any search takes, and a number that every timer takes."""


class UsageError(Exception):
    """Bad usage, in one line that names the option and what is accepted."""

    exit_code = 2


def check_at_least_one(option: str, value: int | None) -> None:
    """Refuse a number below one; None is 'not said'.

    Raises:
        UsageError: It is.
    """
    if value is not None and value < 1:
        raise UsageError(f"{option} is at least 1. Received: {value}")


def check_timeout(seconds: float | None) -> None:
    """Refuse a limit on time that is none; None is 'not said'.

    Raises:
        UsageError: It is not a positive number, or longer than a timer can be set.
    """
    if seconds is not None and not 0 < seconds <= MOST_SECONDS:
        raise UsageError(f"--timeout is a positive number of seconds, at most {MOST_SECONDS}. Received: {seconds:g}")
