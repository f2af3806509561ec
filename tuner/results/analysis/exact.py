"""Runs on fresh seeds of searches whose trainings do not depend on a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tuner.core.study import SearchSpec
from tuner.results.analysis.generations import Run


def on_every_seed(spec: SearchSpec, runs: Sequence[Run]) -> list[Run]:
    """Return the runs of one point on fresh seeds; the one run of an exact search stands for each of its seeds.

    Args:
        spec: The search.
        runs: Recorded runs of the defaults, or of the tuned point, on one task.
    """
    if not spec.is_exact:
        return list(runs)
    return [
        replace(run, key=replace(run.key, slot=slot))
        for run in runs
        if run.key.slot == 0
        for slot in range(spec.fresh_seeds)
    ]
