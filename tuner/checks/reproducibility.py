"""Checks of what a seed decides, and of what is the same in every process."""

from __future__ import annotations

from itertools import accumulate, pairwise
from math import prod
from typing import Any

import numpy as np
import tensorflow as tf

import tasks.registry
from tasks.graph_contents import assigned
from tasks.keras_class import KerasTask
from tasks.outside import REMEDY, outside
from tasks.random_operations import unseeded
from tuner.checks.check import NotApplicable, PromiseError
from tuner.checks.probe import SEEDS, Array, Probe
from tuner.core.fingerprint import differences
from tuner.training.fingerprint import fingerprint_elsewhere, fingerprint_of, remedy

ANOTHER = 1  # seed of a model that is compared with the first, which has 0


def no_variables(probe: Probe) -> None:
    """Refuse a step that assigns to a variable, whose value goes on from one candidate to the next."""
    if name := assigned(probe.graph):
        raise PromiseError(
            f"a step changes nothing but x and the state, with which every run begins anew. Received: one that assigns"
            f" to the variable {name!r}, whose value would go on to the next candidate (a layer makes its variables by"
            " self.add_weight; a loss has none)"
        )


def nothing_from_outside(probe: Probe) -> None:
    """Refuse a step, or a start, that reads files or the clock, or draws random numbers without the seed.

    A class that identifies what it reads by a method `fingerprint` may read.
    """
    graphs = {"a step": probe.graph}
    if not getattr(probe.task, "eager_initial", False):
        graphs["initial"] = probe.initial_graph
    for what, graph in graphs.items():
        read = None if callable(getattr(probe.task, "fingerprint", None)) else outside(graph)
        if read:
            raise PromiseError(
                f"{what} computes with {REMEDY}; or a method fingerprint identifies what is read. Received: it reads"
                f" {read}, which may be another thing later"
            )
        if drawn := unseeded(graph, with_python=False):
            raise PromiseError(
                f"{what} draws from the seeds alone (tf.random.stateless_*). Received: random numbers that no seed"
                f" repeats ({drawn})"
            )


def same_start(probe: Probe) -> str | None:
    """Refuse a start that the seed does not decide; remark weights of a model that start alike on every seed."""
    starts = [[np.asarray(part) for part in tf.nest.flatten(probe.begin(probe.seeds))] for _ in range(2)]
    once = starts[0][0]
    for place, (one, another) in enumerate(zip(*starts, strict=True)):
        if not np.array_equal(one, another, equal_nan=one.dtype.kind == "f"):
            what = "state" if place else "x"
            raise PromiseError(
                f"initial returns the same {what} for the same seed. Received: another one in"
                f" {int((one != another).sum()):,} of {one.size:,} numbers (it draws by a generator without a seed)"
            )
    if not getattr(probe.task, "eager_initial", False):
        return None  # x may well start at one point
    _check_builds(probe.task)
    other = probe.begin(np.roll(SEEDS, 1, axis=0)[: probe.lanes])[0].numpy()
    parts = list(_parts(probe.task, once[:, 0], other[:, 0]))
    # An LSTM's bias has the two constants 0 and 1.
    alike = [one for one, another in parts if np.array_equal(one, another) and np.unique(one).size > 2]
    if not alike:
        return None
    return (
        f"{len(alike)} of {len(parts)} weight arrays ({sum(map(len, alike)):,} numbers) start alike on every seed:"
        " the model sets a seed, seeds its initializers, or loads weights"
    )


def _check_builds(task: Any) -> None:
    """Refuse a model that is not the same with every seed, apart from its weights.

    Raises:
        PromiseError: It is not: all runs would have the numbers of the first model.
    """
    if not isinstance(task, KerasTask):
        return
    if differs := task.difference(task.built(ANOTHER), is_thorough=True):
        raise PromiseError(differs)


def same_everywhere(probe: Probe) -> None:
    """Refuse a task that another process creates with other data or other numbers."""
    workload = probe.workload
    if workload is None or not tasks.registry.is_own(workload.task):
        raise NotApplicable("it ships with lodo-tune")
    if workload.task.startswith(tasks.registry.SESSION):
        raise NotApplicable("no other process can import it")
    try:
        elsewhere = fingerprint_elsewhere(workload)
    except ValueError as error:
        raise PromiseError(f"every process creates the same task. Received, from a new process: {error}") from error
    if differ := differences(fingerprint_of(workload, probe.task), elsewhere):
        raise PromiseError(f"every process creates the same task. Received: {' and '.join(differ)} ({remedy(differ)})")


def _parts(task: Any, *starts: Array) -> Any:
    """Return the parts of starting points x [n] by variable, side by side."""
    shapes = getattr(task, "variable_shapes", None) or (starts[0].shape,)
    cuts = pairwise(accumulate(map(prod, shapes), initial=0))
    return (tuple(x[begin:end] for x in starts) for begin, end in cuts)
