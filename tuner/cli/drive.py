"""The process of a driver that a service starts: `python -m tuner.cli.drive`.

What it trains is on standard input.

It is no verb: the service alone calls it. The URL of the database may hold a password, which other users of the machine
would see on a command line.
"""

from __future__ import annotations

import json
import sys

from tuner.api.progress import Progress
from tuner.api.request_driver import Assigned, drive
from tuner.cli.app import prepare_process
from tuner.cli.interruption import Interruptions
from tuner.core.errors import LodoTuneError


class _Log(Progress):
    """Progress that is written to the log of the driver."""

    def __init__(self, interruptions: Interruptions) -> None:
        super().__init__(lambda line: print(line, file=sys.stderr, flush=True))
        self._interruptions = interruptions

    def executor_started(self) -> None:
        """See `Progress.executor_started`."""
        self._interruptions.executor_started()


def main() -> int:
    """Drive the request that standard input names; return the exit code."""
    prepare_process()
    assigned = Assigned.of(json.load(sys.stdin))
    interruptions = Interruptions(lambda: None)
    try:
        with interruptions:
            outcome = drive(assigned, _Log(interruptions))
    except LodoTuneError as error:  # the database is away, or another driver has the request
        print(error, file=sys.stderr)
        return error.exit_code
    print(outcome, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
