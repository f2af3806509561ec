"""The command line, with one file per verb.

The code behind a verb is imported when the verb is called.
"""

from tuner.cli.app import commands, main

__all__ = ["commands", "main"]
