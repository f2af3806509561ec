"""A look at a user's own task before anything is started or written: one call of whoever tunes or trains on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tasks.registry
from tuner.cli.watch import Watch
from tuner.training.tensorflow import load_tensorflow


def check_users_task(task: str, options: Mapping[str, Any], precision: str | None, timeout: float | None) -> None:
    """Refuse a user's own task that is broken; one that ships has its tests.

    Args:
        task: As a worker elsewhere understands it.
        options: Keyword arguments of its constructor.
        precision: "float32", "float64"; None is the task's own.
        timeout: Seconds after which a task that hangs ends this process; None is no limit.

    Raises:
        ValueError: It is broken; one line.
    """
    if task in tasks.registry.TASKS:
        return
    load_tensorflow()
    from tuner.checks.users_task import check_users_task as look

    with Watch(timeout):
        look(task, options, precision)
