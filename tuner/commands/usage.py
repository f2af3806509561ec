"""Errors of usage: what was asked for cannot be."""

from __future__ import annotations


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
        UsageError: It is not a positive, finite number.
    """
    if seconds is not None and not 0 < seconds < float("inf"):
        raise UsageError(f"--timeout is a positive number of seconds. Received: {seconds:g}")
