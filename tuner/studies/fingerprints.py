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
from tuner.training.tensorflow import load_tensorflow

CHANGED = "code or data has changed since: "  # begins a text in results


def fingerprint_here(workload: Workload) -> Fingerprint:
    """Return the fingerprint of a workload's data and code in this process.

    Raises:
        ValueError: The task cannot be created, or its data is missing or broken.
    """
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
    from tuner.training.fingerprint import optimizer_code

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
        plan: The plan; all of its studies are of one task. A user's own task is created.
        resources: Where it will be trained, and its states have to fit into memory; None: it will not be.
        accept_changes: Whether a comparison may use a search of a task that has changed since; its `source` then says
            so.

    Raises:
        InvalidRequest: The task has changed since the search whose tuned points are compared, or the state of an
            optimizer does not fit into memory.
        ValueError: The task cannot be created.
    """
    fingerprint = _checked(plan.specs, resources)
    specs: list[StudySpec] = [
        replace(spec, workload=with_fingerprint(spec.workload, _with_optimizer(fingerprint, spec.workload)))
        for spec in plan.specs
    ]
    if plan.tuned_on is not None:
        before, now = _of_task(plan.tuned_on.spec.workload), _of_task(plan.specs[0].workload)
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


def _checked(specs: Sequence[StudySpec], resources: Resources | None) -> Fingerprint:
    """Return the fingerprint of the task, once the states of all optimizers are known to fit into memory."""
    workload = _of_task(specs[0].workload)
    if not tasks.registry.is_own(workload.task):
        if resources is not None:
            check_states(specs, resources)
        return fingerprint_here(workload)
    load_tensorflow()
    from tuner.training.fingerprint import fingerprint_of

    task = tasks.registry.load(workload.task)(dtype=workload.precision, **workload.options)
    if resources is not None:
        check_states(specs, resources, task)
    return fingerprint_of(workload, task)


def resumed(study: StudyRecord, *, task: str | None, accept_changes: bool) -> tuple[StudyRecord, str]:
    """Return a study with the place of its task and the fingerprint that it has now.

    Args:
        study: The stored study, which is not complete.
        task: Where the task is now, as `absolute` returns it. Default: where it was.
        accept_changes: Whether the task may have changed.

    Returns:
        The study, which is another one than the stored one if it has to be stored, and a note for its results, or "".

    Raises:
        InvalidRequest: The code or the data has changed, and the study has results.
        ValueError: The task cannot be created, or its data is missing or broken.
    """
    spec = study.spec
    workload = spec.workload if task is None else replace(spec.workload, task=task)
    fingerprint = fingerprint_here(workload)
    changed = changes(workload, fingerprint)
    done = sum(count for status, count in study.counts.items() if status.is_final)
    if changed and done and not accept_changes:
        raise _refusal("study", f"{spec.name} was begun with another state of its code or data", changed)
    note = (
        f"{CHANGED}{changed}; what was trained before ({done:,} runs) belongs to the old one"
        if changed and done
        else ""
    )
    now = with_fingerprint(workload, fingerprint)
    return (study if now == spec.workload else replace(study, spec=replace(spec, workload=now))), note


def _refusal(field: str, what: str, changed: str) -> InvalidRequest:
    return InvalidRequest(field, f": {what}: {changed}; restore it, or give {{accept_changes}}, which the results say")
