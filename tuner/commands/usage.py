"""Errors of usage: what was asked for cannot be."""

from __future__ import annotations


class UsageError(Exception):
    """Bad usage, in one line that names the option and what is accepted."""

    exit_code = 2
