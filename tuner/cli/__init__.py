"""The command line: one verb per file, whose work is imported when it is called."""

from tuner.cli.app import commands, main

__all__ = ["commands", "main"]
