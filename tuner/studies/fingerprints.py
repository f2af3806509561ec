"""Fingerprints of studies.

They are taken before a run, and compared when it is resumed or its tuned points are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import tasks.registry
from tuner.core.errors import InvalidRequest
from tuner.core.fingerprint import Fingerprint, differences
from tuner.core.study import ComparisonSpec, StudyRecord, StudySpec
from tuner.core.trial import Workload
from tuner.execution.resources import Resources
from tuner.studies.lookup import data_fingerprint, task_entry
from tuner.studies.memory import check_states
from tuner.studies.planner import Plan
from tuner.training.code_fingerprint import function_code, optimizer_code
from tuner.training.tensorflow import load_tensorflow

CHANGED = "code or data has changed since: "  # begins a text in results


def fingerprint_here(workload: Workload) -> Fingerprint:
    """Return the fingerprint of a workload's data and code in this process.

    Raises:
        ValueError: The task cannot be created, or its data is missing or broken.
    """
    if workload.is_function:
        return Fingerprint(code=function_code(workload.task))
    if not tasks.registry.is_own(workload.task) and workload.optimizer_place is None:
        return Fingerprint(data_fingerprint(task_entry(workload.task))[0])
    load_tensorflow()
    from tuner.training.fingerprint import fingerprint_of

    return fingerprint_of(workload)


def with_fingerprint(workload: Workload, fingerprint: Fingerprint) -> Workload:
    """Return a workload that has a fingerprint."""
    return replace(workload, data=fingerprint.data, code=fingerprint.code)


def changes(workload: Workload, fingerprint: Fingerprint) -> str:
    """Return in what a fingerprint differs from that of a stored workload, as text; "" if in nothing."""
    return " and ".join(differences(Fingerprint(workload.data, workload.code), fingerprint))


def _with_optimizer(fingerprint: Fingerprint, workload: Workload) -> Fingerprint:
    """Return the fingerprint of a task together with that of a workload's optimizer, if it is a user's own."""
    if workload.optimizer_place is None:
        return fingerprint
    return replace(
        fingerprint, code={**(fingerprint.code or {}), "optimizer": optimizer_code(workload.optimizer_place)}
    )


def _of_task(workload: Workload) -> Workload:
    """Return a workload without what its fingerprint holds of the optimizer."""
    code = {what: each for what, each in (workload.code or {}).items() if what != "optimizer"}
    return replace(workload, optimizer_place=None, code=code or None)


def identified(plan: Plan, resources: Resources | None, *, accept_changes: bool = False) -> Plan:
    """Return a plan whose studies have the fingerprint of their task, and states of optimizers that fit into memory.

    Args:
        plan: The plan; all of its studies are of the same tasks. A user's own task is created.
        resources: Where it will be trained, and its states have to fit into memory; None: it will not be.
        accept_changes: Whether a comparison may use a search of a task that has changed since; its `source` then says
            so.

    Raises:
        InvalidRequest: The task has changed since the search whose tuned points are compared, or the state of an
            optimizer does not fit into memory.
        ValueError: The task cannot be created.
    """
    if plan.specs[0].workload.is_function:  # which the planner has imported already
        return plan
    found = [_checked(plan.specs, workload, resources) for workload in plan.specs[0].workloads]
    specs: list[StudySpec] = [
        spec.with_workloads(
            [
                with_fingerprint(workload, _with_optimizer(fingerprint, workload))
                for workload, fingerprint in zip(spec.workloads, found, strict=True)
            ]
        )
        for spec in plan.specs
    ]
    if plan.tuned_on is not None:
        (fingerprint,) = found
        now = _of_task(plan.specs[0].workload)
        (searched,) = (workload for workload in plan.tuned_on.spec.workloads if workload.task == now.task)
        before = _of_task(searched)
        at_that_time = replace(now, precision=before.precision, options=before.options)
        changed = changes(before, fingerprint if at_that_time == now else fingerprint_here(at_that_time))
        if changed and not accept_changes:
            raise _refusal("search", f"{plan.tuned_on.spec.run} was tuned on another state of the task", changed)
        if changed:
            specs = [
                replace(spec, source=f"{spec.source}; {CHANGED}{changed}"[:1000])
                for spec in specs
                if isinstance(spec, ComparisonSpec)
            ]
    return replace(plan, specs=tuple(specs))


def _checked(specs: Sequence[StudySpec], of_first: Workload, resources: Resources | None) -> Fingerprint:
    """Return the fingerprint of a task, once the states of all optimizers on it are known to fit into memory.

    Args:
        specs: The studies.
        of_first: The workload of the first of them on this task.
        resources: Where they will be trained; None: they will not be.
    """
    workload = _of_task(of_first)
    if not tasks.registry.is_own(workload.task):
        if resources is not None:
            check_states(specs, resources, task_name=workload.task)
        return fingerprint_here(workload)
    load_tensorflow()
    from tuner.training.fingerprint import fingerprint_of

    task = tasks.registry.load(workload.task)(dtype=workload.precision, **workload.options)
    if resources is not None:
        check_states(specs, resources, task, task_name=workload.task)
    return fingerprint_of(workload, task)


def resumed(study: StudyRecord, *, places: Sequence[str] | None, accept_changes: bool) -> tuple[StudyRecord, str]:
    """Return a study with the places of its tasks and the fingerprints that they have now.

    Args:
        study: The stored study, which is not complete.
        places: Where its tasks are now, in order, as `absolute` returns them. None: where they were.
        accept_changes: Whether a task may have changed.

    Returns:
        The study, which is another one than the stored one if it has to be stored, and a note for its results, or "".

    Raises:
        InvalidRequest: The code or the data has changed, and the study has results.
        ValueError: The task cannot be created, or its data is missing or broken.
    """
    spec = study.spec
    moved = [
        replace(workload, task=place)
        for workload, place in zip(spec.workloads, places or [each.task for each in spec.workloads], strict=True)
    ]
    found = [fingerprint_here(workload) for workload in moved]
    changed = " and ".join(filter(None, map(changes, moved, found)))
    done = sum(count for status, count in study.counts.items() if status.is_final)
    if changed and done and not accept_changes:
        raise _refusal("study", f"{spec.name} was begun with another state of its code or data", changed)
    note = (
        f"{CHANGED}{changed}; what was trained before ({done:,} runs) belongs to the old one"
        if changed and done
        else ""
    )
    now = spec.with_workloads(list(map(with_fingerprint, moved, found)))
    return (study if now == spec else replace(study, spec=now)), note


def _refusal(field: str, what: str, changed: str) -> InvalidRequest:
    return InvalidRequest(
        field, f": {what}: {changed}; restore it, or pass {{accept_changes}} (recorded in the results)"
    )
