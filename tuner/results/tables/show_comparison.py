"""All that is on record of one study of a comparison but its curves, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.space import Scale
from tuner.core.study import SeedRun, StudyRecord
from tuner.results.analysis.comparison import Contender, compare_runs
from tuner.results.analysis.failures import grouped_failures
from tuner.results.tables.comparison_sheet import comparison_as_json
from tuner.results.tables.comparison_words import provenance
from tuner.results.tables.formats import check_format, strict_json
from tuner.results.tables.grid import Grid
from tuner.results.tables.listing import done, holder, moment, total
from tuner.results.tables.numbers import NOTHING, counted, hyperparameter, measured, number, one_line, seconds
from tuner.results.tables.show import FORMATS, facts_as_text, failure


def render_study(study: StudyRecord, runs: Sequence[SeedRun], format: str = "text") -> str:
    """Return what a study of a comparison trains, and what came of it seed by seed.

    Args:
        study: As the store holds it.
        runs: All that there are of it.
        format: "text" or "json".

    Raises:
        ValueError: There is no such format.
    """
    check_format(format, FORMATS)
    compared = compare_runs([(study, runs)])
    if format == "json":
        return strict_json(
            {
                "study": study.spec.name,
                "kind": str(study.spec.kind),
                "status": study.status,
                "finished_at": study.finished_at,
                "owner": study.owner,
                "lease_left": study.lease_left,
                **comparison_as_json(compared),
                "seed_runs": [_run_as_json(run) for run in runs],
            }
        )
    spec, wanted = study.spec, study.comparison.measurement
    driver = holder(study)
    facts = {
        "status": f"{study.status}, {done(study):,} of {total(study):,} runs done"
        + (f"; held by {driver}" if driver else ""),
        "created": f"{moment(study.created_at)} UTC"
        + (f", ended {moment(study.finished_at)}" if study.finished_at else ""),
        "budget": counted(compared.steps, "gradient evaluation")
        + (f", and {wanted.seconds:g} s of training" if wanted.seconds else "")
        + (f"; validation every {wanted.validate_every:,}" if wanted.validate_every else ""),
        "training": f"cohort size {spec.workload.cohort_size}, threads {spec.workload.threads}",
        "made with": provenance(compared).removeprefix("Provenance: "),
        "hardware": ", ".join(f"{name} {value}" for name, value in spec.hardware.items()) or NOTHING,
    }
    parts = [one_line(spec.name), facts_as_text(facts)]
    parts += [_point(one) for one in compared.contenders]
    failures = grouped_failures([run.candidate for run in runs])
    if failures:
        parts.append("\n".join(["What did not finish", *map(failure, failures)]))
    return "\n\n".join(parts)


def _point(one: Contender) -> str:
    values = [
        f"{name} {hyperparameter(value, one.scales.get(name, Scale.LOG))}"
        for name, value in one.point.hyperparameters.items()
    ]
    values += [f"{name} {value}" for name, value in one.point.settings.items()]
    metrics = [(split, name) for split in ("validation", "test") for name in getattr(one, split)]
    header = ["seed", "status", "evaluations", "loss", *(f"{split} {name}" for split, name in metrics), "seconds"]
    rows = []
    for run in one.runs:
        candidate = run.candidate
        found = [run.series[split].metrics[name][-1] if split in run.series else None for split, name in metrics]
        rows.append(
            [
                str(candidate.seed),
                candidate.status.value,
                f"{candidate.steps_done:,}",
                measured(candidate.fitness),
                *(number(None if value is None else float(value)) for value in found),
                seconds(candidate.seconds) if candidate.status.is_final else NOTHING,
            ]
        )
    return f"{one_line(one.name)}: {', '.join(values)}\n{Grid(header, rows, left=(1,)).text()}"


def _run_as_json(run: SeedRun) -> dict[str, Any]:
    candidate = run.candidate
    return {
        "point": candidate.key.generation,
        "seed": candidate.seed,
        "status": candidate.status.value,
        "fitness": candidate.fitness,
        "steps_done": candidate.steps_done,
        "seconds": candidate.seconds,
        "reason": candidate.reason,
        "observations": {
            split: {
                "evaluations": series.evaluations.tolist(),
                "seconds": series.seconds.tolist(),
                "elapsed": series.elapsed.tolist(),
                **{name: numbers.tolist() for name, numbers in series.metrics.items()},
            }
            for split, series in run.series.items()
        },
    }
