"""All that is on record of one study but its candidates one by one, as text and as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tuner.core.study import CandidateRecord, StudyRecord
from tuner.core.trial import Status
from tuner.results.analysis.failures import FailureGroup, grouped_failures, place
from tuner.results.analysis.generations import Generation, by_generation
from tuner.results.analysis.summary import FreshRuns, Summary, summarise
from tuner.results.tables.formats import check_format, strict_json
from tuner.results.tables.grid import Grid
from tuner.results.tables.listing import done, holder, moment, total
from tuner.results.tables.numbers import NOTHING, counted, hyperparameter, mean_and_spread, measured, number, one_line
from tuner.results.tables.table import WIDTH, as_json

FORMATS = ("text", "json")
PLACES = 4  # how many runs of a group of failures are named


def render_study(
    study: StudyRecord,
    candidates: Sequence[CandidateRecord],
    format: str = "text",
) -> str:
    """Return what a study was asked to do, what it ran on, and what came of it generation by generation.

    Args:
        study: As the store holds it.
        candidates: All of its candidates, in any order.
        format: "text" (for a terminal of 100 columns, without colours) or "json" (strict, full precision).

    Returns:
        The report, without a line end after the last line.

    Raises:
        ValueError: There is no such format.
    """
    check_format(format, FORMATS)
    summary = summarise(study, candidates)
    generations = by_generation(study.spec, candidates)
    failures = grouped_failures(candidates)
    if format == "json":
        return strict_json(_as_json(study, summary, generations, failures))
    parts = [one_line(study.spec.name), facts_as_text(_facts(study, summary)), _generations(generations)]
    if failures:
        parts.append("\n".join(["What did not finish", *map(failure, failures)]))
    if study.notes:
        parts.append("\n".join(["Notes", *(_item(note) for note in study.notes)]))
    return "\n\n".join(parts)


def _facts(study: StudyRecord, summary: Summary) -> dict[str, str]:
    spec, workload = study.search, study.spec.workload
    driver = holder(study)
    ended = f", ended {moment(study.finished_at)}" if study.finished_at else ""
    return {
        "task": f"{workload.task}{_options(workload.options)}",
        "status": f"{study.status}, {done(study):,} of {total(study):,} individuals done"
        + (f"; held by {driver}" if driver else ""),
        "created": f"{moment(study.created_at)} UTC{ended}",
        "search": f"{counted(spec.generations, 'generation')} × {counted(spec.population, 'individual')}, "
        f"strategy {spec.strategy}",
        "seeds": f"{spec.seed} for the study, {spec.fresh_seeds} fresh ones",
        "training": f"cohort size {workload.cohort_size}, threads {workload.threads}, "
        f"precision {workload.precision or 'of the task'}",
        "data": _data(workload.data),
        "versions": ", ".join(f"{name} {version}" for name, version in spec.versions.items()) or NOTHING,
        "hardware": ", ".join(f"{name} {_value(value)}" for name, value in spec.hardware.items()) or NOTHING,
        "default": ", ".join(f"{row.name} {hyperparameter(row.default, row.scale)}" for row in summary.hyperparameters),
        "tuned": ", ".join(f"{row.name} {hyperparameter(row.tuned, row.scale)}" for row in summary.hyperparameters)
        if study.tuned is not None
        else NOTHING,
        "fitness": f"default {_fresh(summary.default)}, searched {measured(summary.searched)}, "
        f"tuned {_fresh(summary.tuned)}, gain {mean_and_spread(summary.gain.mean, summary.gain.spread)}: "
        f"{summary.verdict}",
    }


def facts_as_text(facts: Mapping[str, str]) -> str:
    """Return names with what is to be said of each, aligned."""
    width = max(map(len, facts)) + 2
    return "\n".join(
        textwrap.fill(
            one_line(value), WIDTH, initial_indent=f"  {name.ljust(width)}", subsequent_indent=" " * (width + 2)
        )
        for name, value in facts.items()
    )


def _options(options: Mapping[str, Any]) -> str:
    return f" ({', '.join(f'{name} {_value(value)}' for name, value in options.items())})" if options else ""


def _data(data: Mapping[str, Any] | None) -> str:
    return "none" if data is None else ", ".join(f"{name} {_value(value)}" for name, value in data.items())


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _fresh(runs: FreshRuns) -> str:
    ended = runs.seeds - runs.left
    return f"{mean_and_spread(runs.mean, runs.spread)} ({runs.finished} of {ended} finished)" if ended else NOTHING


def _generations(generations: Sequence[Generation[CandidateRecord]]) -> str:
    header = ["generation", "budget", "σ", "finished", "diverged", "failed", "timed out", "left", "best", "median"]
    rows = [
        [
            str(generation.number),
            f"{generation.steps:,}",
            number(generation.sigma),
            *(str(generation.counts[status]) for status in Status if status.is_final),
            str(generation.left),
            measured(generation.best),
            measured(generation.median),
        ]
        for generation in generations
    ]
    return Grid(header, rows, left=()).text()


def failure(group: FailureGroup) -> str:
    """Return a line, perhaps a long one, on runs that ended alike."""
    named = ", ".join(place(key) for key in group.keys[:PLACES])
    more = f" and {len(group.keys) - PLACES} more" if len(group.keys) > PLACES else ""
    return _item(f"{len(group.keys)} {group.status}: {group.reason} ({named}{more})")


def _item(text: str) -> str:
    return textwrap.fill(one_line(text), WIDTH, initial_indent="- ", subsequent_indent="  ")


def _as_json(
    study: StudyRecord,
    summary: Summary,
    generations: Sequence[Generation[CandidateRecord]],
    failures: Sequence[FailureGroup],
) -> dict[str, Any]:
    spec, workload = study.spec, study.spec.workload
    return {
        **as_json(summary),
        "kind": spec.kind,
        "created_at": study.created_at,
        "finished_at": study.finished_at,
        "owner": study.owner,
        "lease_left": study.lease_left,
        "tuned_genome": study.tuned_genome,
        "options": workload.options,
        "cohort_size": workload.cohort_size,
        "threads": workload.threads,
        "precision": workload.precision,
        "data": workload.data,
        "search_space": spec.space,
        "versions": spec.versions,
        "hardware": spec.hardware,
        "schedule": [
            {
                "generation": generation.number,
                "steps": generation.steps,
                "sigma": generation.sigma,
                **{status.name.lower(): generation.counts[status] for status in Status if status.is_final},
                "left": generation.left,
                "best": generation.best,
                "median": generation.median,
            }
            for generation in generations
        ],
        "failures": [
            {"status": group.status.value, "reason": group.reason, "runs": [asdict(key) for key in group.keys]}
            for group in failures
        ],
    }
