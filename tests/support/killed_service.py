"""A service whose drivers need no Ray: `python -m tests.support.killed_service DATABASE TOKEN WORKERS`."""

from __future__ import annotations

import sys
from unittest import mock

from tests.support.supervised import processes_of
from tuner.service import serving
from tuner.service.settings import ServiceSettings


def main() -> None:
    """Serve until a signal."""
    database, token, workers = sys.argv[1:]
    settings = ServiceSettings(database, port=0, workers=int(workers))
    with mock.patch.object(serving, "DriverProcesses", processes_of):
        serving.serve(settings, token, lambda address: print(address, flush=True))


if __name__ == "__main__":
    main()
