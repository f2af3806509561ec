"""A service whose drivers need no Ray: `python -m tests.support.killed_service DATABASE TOKEN WORKERS`.

With ANSWER_SECONDS of the environment, a database server that does not answer is waited for as long.
"""

from __future__ import annotations

import os
import sys
from unittest import mock

from tests.support.supervised import processes_of
from tuner.service import serving
from tuner.service.settings import ServiceSettings
from tuner.storage import answers


def main() -> None:
    """Serve until a signal."""
    database, token, workers = sys.argv[1:]
    settings = ServiceSettings(database, port=0, workers=int(workers))
    seconds = float(os.environ.get("ANSWER_SECONDS", answers.ANSWER_TIMEOUT))
    with (
        mock.patch.object(serving, "DriverProcesses", processes_of),
        mock.patch.object(answers, "ANSWER_TIMEOUT", seconds),
    ):
        serving.serve(settings, token, lambda address: print(address, flush=True))


if __name__ == "__main__":
    main()
