"""The executor that trains on Ray: lanes that are actors, in the workers of a session."""

from __future__ import annotations

from collections.abc import Callable

from tuner.execution.executor import DEFAULT_TRAIN
from tuner.execution.lane_executor import LaneExecutor
from tuner.execution.ray.pool import RayFleet, RayLane
from tuner.execution.ray.session import RaySession


class RayExecutor(LaneExecutor[RayLane]):
    """Trains in the workers of a Ray session. The session stays its owner's to close."""

    def __init__(
        self,
        session: RaySession,
        *,
        cpus_per_candidate: int = 1,
        gpus_per_candidate: float = 0.0,
        most_lanes: int | None = None,
        timeout: float | None = None,
        max_attempts: int = 3,
        grace: float = 10.0,
        most_cohorts: int = 10_000,
        train: str = DEFAULT_TRAIN,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Makes an executor.

        Args:
            session: an open one.
            cpus_per_candidate: cores a lane takes; equal to the workload's threads.
            gpus_per_candidate: graphics cards a lane takes, or a share of one. With any, a lane is ended after a
                cohort that raised, too.
            most_lanes: how many candidates may train at a time; None is as many as the session has room for.
            timeout: seconds that an attempt may take from its worker's first message; None is no limit.
            max_attempts: how often a candidate may be lost with its worker before it fails.
            grace: seconds that the end of a worker may take before its cohort is given up for lost.
            most_cohorts: after so many a worker is ended and made anew.
            train: the training function, "module:function", importable in the workers.
            say: shows a line to people.

        Raises:
            ResourceError: no node of the session has that much.
            ValueError: a limit is not positive.
        """
        session.require(cpus=cpus_per_candidate, gpus=gpus_per_candidate)
        super().__init__(
            RayFleet(session, train=train, cpus=cpus_per_candidate, gpus=gpus_per_candidate, most=most_lanes),
            cpus_per_candidate=cpus_per_candidate,
            timeout=timeout,
            max_attempts=max_attempts,
            grace=grace,
            most_cohorts=most_cohorts,
            spares_lanes=gpus_per_candidate == 0,
            say=say,
        )
