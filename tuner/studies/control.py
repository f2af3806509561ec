"""Control of a run from outside.

It says how many workers the run may use, and ends it early.
"""

from __future__ import annotations

from typing import Protocol

from tuner.core.errors import LodoTuneError
from tuner.execution.executor import Executor


class Ended(LodoTuneError):  # noqa: N818 (names an event)
    """A run was ended from outside. What was trained is recorded, and the run can be continued."""

    exit_code = 75


class Control(Protocol):
    """A control of a run, which the driver calls repeatedly in its own thread."""

    def check(self, executor: Executor) -> None:
        """Limit the workers of an executor.

        Raises:
            Ended: The run ends now. Cohorts that are being trained are withdrawn.
            LodoTuneError: The control has failed; the run is interrupted.
        """
        ...

    def end(self) -> None:
        """Note that all is trained, so that no worker is used while the executor is closed."""
        ...
