"""The executor on Ray, and the opening of its session from requested resources."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasks.data_folder import data_folder
from tuner.execution.executor import DEFAULT_TRAIN
from tuner.execution.pool_executor import PoolExecutor
from tuner.execution.ray.pool import RayPool, RayWorker
from tuner.execution.ray.session import RaySession
from tuner.execution.ray_variables import unused_by_a_local_ray
from tuner.execution.resources import Resources, usable_cores


class RayExecutor(PoolExecutor[RayWorker]):
    """Trains in the workers of a Ray session, which its owner closes."""

    def __init__(
        self,
        session: RaySession,
        resources: Resources | None = None,
        *,
        train: str = DEFAULT_TRAIN,
        objects: Mapping[str, Any] | None = None,
        checkpoints: Path | None = None,
        grace: float = 10.0,
        max_cohorts: int = 10_000,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Create an executor.

        Args:
            session: An open session.
            resources: Resources of the workers; `address` and `dashboard` belong to the session and are unused here.
            train: The training function, "module:function", importable in the workers.
            objects: Tasks and optimizers that cannot be imported, by the names that trials use for them. They are sent
                to each worker once, by value.
            checkpoints: Folder in which training functions have folders for checkpoints, and leave what a lost attempt
                printed. Default: temporary ones.
            grace: See `PoolExecutor`.
            max_cohorts: See `PoolExecutor`.
            say: Shows a line to the user.

        Raises:
            InvalidRequest: A limit is out of range, no node has enough resources, or an object cannot be sent.
        """
        resources = resources or Resources()
        resources.check()
        session.require(resources)
        pool = RayPool(session, resources, train=train, objects=objects or {}, checkpoints=checkpoints)
        super().__init__(pool, resources, grace=grace, max_cohorts=max_cohorts, checkpoints=checkpoints, say=say)


@contextlib.contextmanager
def open_executor(
    resources: Resources,
    places: Iterable[str] = (),
    *,
    train: str = DEFAULT_TRAIN,
    objects: Mapping[str, Any] | None = None,
    checkpoints: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[tuple[RayExecutor, int]]:
    """Start a local Ray or join a cluster, and open an executor in it.

    Args:
        resources: The requested resources. Without a data folder, the workers use that of this process.
        places: Names of the tasks, and places of users' own optimizers; users' code is sent to a cluster's workers.
        train: See `RayExecutor`.
        objects: See `RayExecutor`.
        checkpoints: See `RayExecutor`.
        say: Shows a line to the user.

    Yields:
        The executor, and the number of cohorts that it trains at a time.

    Raises:
        InvalidRequest: A requested value is out of range, or more than the machines have.
        ClusterUnavailable: Ray does not start, or the cluster does not respond or refuses the connection.
    """
    resources.check()
    resources = replace(resources, data_dir=data_folder(resources.data_dir))
    address = resources.address
    with RaySession.start(resources) if address is None else RaySession.join(address, places) as session:
        for remark in _remarks(session, resources):
            say(remark)
        with RayExecutor(
            session, resources, train=train, objects=objects, checkpoints=checkpoints, say=say
        ) as executor:
            yield executor, session.slots(resources)


def _remarks(session: RaySession, resources: Resources) -> Iterator[str]:
    """Yield remarks on a session for the user."""
    if not session.has_token:
        yield "this cluster requires no token: anyone with access to its ports can run code on all its nodes"
    if session.is_local and resources.cpus_per_candidate > usable_cores():
        yield f"{resources.cpus_per_candidate} cores per candidate; this machine has {usable_cores()}"
    if session.is_local and (unused := unused_by_a_local_ray()):
        yield unused
    if session.dashboard_url:
        yield f"Ray dashboard: {session.dashboard_url}"
