"""The list of all studies in a database, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from tuner.core.study import SearchSpec, StudyRecord
from tuner.core.text import one_line
from tuner.results.analysis.best import Best
from tuner.results.tables.formats import check_format, strict_json
from tuner.results.tables.numbers import NOTHING, measured
from tuner.results.tables.text_table import TextTable

FORMATS = ("text", "json")


def render_studies(
    studies: Sequence[StudyRecord],
    format: str = "text",
    best: Mapping[str, Best] | None = None,
) -> str:
    """Return the list of studies, in the order given.

    Args:
        studies: Records of the studies.
        format: "text" or "json".
        best: Best individuals (of `tuner.results.analysis.best`) by the names of their studies. Default: none.

    Returns:
        The list, without a line end after the last line.

    Raises:
        ValueError: There is no such format.
    """
    check_format(format, FORMATS)
    best = best or {}
    if format == "json":
        return strict_json({"studies": [_as_json(study, best.get(study.spec.name)) for study in studies]})
    if not studies:
        return "no studies"
    rows = [
        [
            one_line(study.spec.name),
            one_line(study.spec.task_label),
            f"{study.status}{', imported' if study.spec.is_imported else ''}",
            f"{done(study):,}/{total(study):,}",
            _best_cell(best.get(study.spec.name)),
            moment(study.created_at),
            holder(study),
        ]
        for study in studies
    ]
    header = ["study", "task", "status", "done", "best", "created (UTC)", "driver"]
    return TextTable(header, rows, left=(0, 1, 2, 5, 6)).text()


def done(study: StudyRecord) -> int:
    """Return the number of individuals of a search (times its tasks), or runs of a comparison, that are final."""
    return sum(count for status, count in study.counts.items() if status.is_final)


def total(study: StudyRecord) -> int:
    """Return the number of individuals of a search, times its tasks, or of runs of a comparison."""
    return study.spec.due


def trained(study: StudyRecord) -> str:
    """Return what `done` and `total` count."""
    if len(study.spec.workloads) > 1:
        return "trainings"
    return "individuals" if study.is_search else "runs"


def moment(time: str) -> str:
    """Return a stored time (ISO 8601, UTC) in the form "2026-11-24 19:20"."""
    return one_line(time)[:16].replace("T", " ")


def named_values(values: Mapping[str, object]) -> str:
    """Return names with their values in one line."""
    return ", ".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)}"
        for name, value in values.items()
    )


def holder(study: StudyRecord) -> str:
    """Return the driver that owns the study, and whether it is lost; "" if there is none."""
    if study.owner is None:
        return ""
    is_lost = study.lease_left is not None and study.lease_left <= 0
    return f"{one_line(study.owner)}{' (lost)' if is_lost else ''}"


def _best_cell(best: Best | None) -> str:
    """Return a best value with its generation, since values of different budgets are not comparable."""
    return NOTHING if best is None else f"{measured(best.fitness)} (g{best.generation:02d})"


def _as_json(study: StudyRecord, best: Best | None) -> dict[str, object]:
    spec = study.spec
    return {
        "study": spec.name,
        "run": spec.run,
        "kind": str(spec.kind),
        "task": spec.task,
        "optimizer": spec.workload.optimizer,
        "strategy": spec.strategy if isinstance(spec, SearchSpec) else "none",
        "seed": spec.seed,
        "status": study.status,
        "is_imported": study.spec.is_imported,
        "done": done(study),
        "total": total(study),
        "best": None
        if best is None
        else {"generation": best.generation, "slot": best.slot, "steps": best.steps, "fitness": best.fitness},
        "created_at": study.created_at,
        "finished_at": study.finished_at,
        "owner": study.owner,
        "lease_left": study.lease_left,
    }
