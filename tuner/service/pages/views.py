"""The values that the pages show.

They are computed from totals, and from parts of lists.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from search_spaces.space import SearchSpace
from tuner.core.aggregates import CandidateRow, GenerationTotals, StudyTotals
from tuner.core.study import IMPORTED, StudyRecord, StudyStatus
from tuner.core.trial import Status
from tuner.results.analysis.decimation import decimated
from tuner.results.analysis.failures import grouped_reasons, run_label
from tuner.results.analysis.standing import Standing, lead, ranked, seconds_left
from tuner.results.exports import formats_of
from tuner.results.tables.listing import done, moment
from tuner.results.tables.numbers import hyperparameter, measured, number
from tuner.results.tables.points import on_fresh_seeds
from tuner.service.pages import commands, words
from tuner.service.pages.charts import Series, line_chart, optimizer_colours
from tuner.service.reading import Reading
from tuner.service.resources import status_of
from tuner.storage import AttemptRecord

HOME_RUNS = 50  # runs of one page of the list
MAX_GENERATIONS = 100  # rows of the table of generations, unless all are asked for
CURVE_POINTS = 400
PAGE_SIZES = (25, 100, 500)
STATUSES = tuple(status.value for status in Status)


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run in a list."""

    name: str
    kind: str
    task: str
    optimizers: str
    state: str
    problem: str  # what needs a person's attention; ""
    done: int
    due: int
    created: str


def run_line(records: Sequence[StudyRecord]) -> RunLine:
    """Return a run in a list."""
    lost = [one.spec.label for one in records if words.state(one) == "lost"]
    stopped = [one.spec.label for one in records if one.status == StudyStatus.STOPPED]
    failed = sum(one.counts[Status.FAILED] + one.counts[Status.TIMED_OUT] for one in records)
    problems = [f"driver lost: {', '.join(lost)}"] if lost else []
    problems += [f"stopped, every candidate fails: {', '.join(stopped)}"] if stopped else []
    problems += [f"{failed:,} failed or timed out"] if failed else []
    return RunLine(
        name=records[0].spec.run,
        kind=str(records[0].spec.kind),
        task=records[0].spec.task_label,
        optimizers=", ".join(f"{one.spec.label}{IMPORTED if one.spec.is_imported else ''}" for one in records),
        state="lost" if lost else status_of(tuple(records)),
        problem="; ".join(problems),
        done=sum(map(done, records)),
        due=sum(one.spec.due for one in records),
        created=moment(min(one.created_at for one in records)),
    )


def home(reader: Reading, *, cursor: str | None, task: str | None = None, status: str | None = None) -> dict[str, Any]:
    """Return the list of runs: those with problems first, then those that run, then the others, each newest first."""
    page, damaged = reader.runs(task=task, status=status, cursor=cursor, limit=HOME_RUNS)
    lines = [run_line(records) for records in page.rows]
    return {
        "problems": [line for line in lines if line.state in ("lost", "stopped")],
        "running": [line for line in lines if line.state == "running"],
        "others": [line for line in lines if line.state not in ("lost", "stopped", "running")],
        "page": page,
        "damaged": [str(error) for error in damaged],
        "status": status or "",
        "is_filtered": bool(status or task or cursor),
    }


def search_run(reader: Reading, name: str) -> dict[str, Any]:
    """Return a run of searches: its optimizers side by side, who leads, how sure that is, and how long it takes."""
    standings = ranked(reader.standings(name))
    leading = lead(standings)
    records = [one.totals.record for one in standings]
    colours = optimizer_colours(sorted(one.optimizer for one in standings))
    objective = standings[0].objective
    return {
        **_run(records),
        "standings": standings,
        "rows": [_row(one, colours[one.optimizer], leading.first is one if leading else False) for one in standings],
        "leader": words.leader(leading),
        "certainty": words.certainty(leading),
        "is_clear": words.certainty(leading)[0] == words.CLEAR,
        "left": _left(standings),
        "objective": objective.description,
        "chart": line_chart(
            f"{objective.label}: best of each generation, by optimizer",
            "generation",
            objective.label,
            [
                Series(
                    one.label,
                    [
                        (float(each.number), objective.shown(each.best, one.totals.record.search.steps[each.number]))
                        for each in one.totals.generations
                    ],
                    colour=colours[one.optimizer],
                    breaks=_breaks(one.totals),
                )
                for one in standings
            ],
        ),
        "tuned": [row for one in standings for row in _tuned(one)],
    }


def _run(records: Sequence[StudyRecord]) -> dict[str, Any]:
    return {
        "name": records[0].spec.run,
        "line": run_line(records),
        "records": records,
        "formats": {
            one.id: formats_of(one.spec.workload.optimizer, one.spec.space.get("registered")) for one in records
        },
        "notes": [f"{one.spec.label}: {note}" for one in records for note in one.notes],
    }


def is_on_several_tasks(record: StudyRecord) -> bool:
    """Return whether a study is a search on several tasks, whose totals by generation are each of one task."""
    return record.is_search and len(record.search.parts) > 1


def search_on_several_tasks(reader: Reading, name: str) -> dict[str, Any]:
    """Return a run of searches on several tasks: its tables, as `lodo-tune table` prints them."""
    from tuner.api.reading import summary_of
    from tuner.results.tables import search

    records = reader.run(name)
    (section,) = search.sections([summary_of(reader.store, record) for record in records])
    return {**_run(records), "kind": "search", "section": section}


def comparison_run(reader: Reading, name: str) -> dict[str, Any]:
    """Return a comparison: its table with tests, as `lodo-tune table` prints it."""
    from tuner.api.reading import comparisons_of
    from tuner.results.tables import comparison

    records = reader.run(name)
    (found,) = comparisons_of(reader.store, records)
    return {**_run(records), "kind": "comparison", "section": comparison.section(found)}


def _left(standings: Sequence[Standing]) -> str:
    records = [one.totals.record for one in standings]
    running = [record for record in records if words.state(record) == "running"]
    if all(record.status == StudyStatus.COMPLETE for record in records):
        ends = max((record.finished_at or "" for record in records), default="")
        return f"Complete since {moment(ends)} UTC."
    if not running:
        return "Not running: " + ", ".join(dict.fromkeys(words.state(record) for record in records)) + "."
    seconds = seconds_left(standings)
    return "Not known before results arrive." if seconds is None else f"About {words.lasting(seconds)} left."


def _row(one: Standing, colour: str, is_first: bool) -> dict[str, Any]:
    record = one.totals.record
    return {
        "id": record.id,
        "optimizer": one.label,
        "colour": colour,
        "is_first": is_first,
        "state": words.state(record),
        "done": one.done,
        "due": one.due,
        "best": one.best,
        "best_value": NOT_YET if one.best is None else measured(one.best.value),
        "default": on_fresh_seeds(one.default),
        "tuned": on_fresh_seeds(one.tuned),
        "improvement": words.improvement(one),
        "unfinished": ", ".join(
            f"{count:,} {status.value}"
            for status in (Status.DIVERGED, Status.FAILED, Status.TIMED_OUT, Status.PRUNED)
            if (count := record.counts[status])
        ),
    }


NOT_YET = "–"


def _tuned(one: Standing) -> list[tuple[str, str, str, str]]:
    record = one.totals.record
    tuned = record.tuned if record.counts[Status.FINISHED] else None
    return [
        (
            one.optimizer,
            dimension.name,
            hyperparameter(dimension.default, dimension.scale),
            hyperparameter(None if tuned is None else tuned[dimension.name], dimension.scale),
        )
        for dimension in SearchSpace.from_dict(record.spec.space).dimensions
    ]


def _breaks(totals: StudyTotals) -> frozenset[int]:
    """Return the places of generations whose budget differs from that of the one before: not comparable with it."""
    steps = [totals.record.spec.steps_of(one.number) for one in totals.generations]
    return frozenset(place for place in range(1, len(steps)) if steps[place] != steps[place - 1])


def study(reader: Reading, study_id: int, *, shows_all: bool) -> dict[str, Any]:
    """Return a study: best and median by generation, the table of generations, and what did not finish."""
    totals = reader.totals(study_id)
    record, objective = totals.record, totals.record.spec.workload.objective
    is_of_several = is_on_several_tasks(record)
    searched = None
    if record.is_search and not is_of_several:  # beside the others of its run, which decide its margin
        searched = next(one for one in reader.standings(record.spec.run) if one.totals.record.id == study_id)
    generations = totals.generations if shows_all else totals.generations[-MAX_GENERATIONS:]
    shown = [
        {
            "number": one.number,
            "task": record.spec.workload_of(one.number).task_label if is_of_several else "",
            "steps": record.spec.steps_of(one.number),
            "counts": one.counts,
            "best": measured(_shown(record, one.number, one.best)),
            "best_id": one.best_id,
            "median": measured(_median(record, one)),
            "seconds": one.seconds,
        }
        for one in reversed(generations)
    ]
    drawn = () if is_of_several else totals.generations
    series = {
        "best": [(float(one.number), _shown(record, one.number, one.best)) for one in drawn],
        "median": [(float(one.number), _median(record, one)) for one in drawn],
    }
    breaks = _breaks(totals)
    return {
        "record": record,
        "state": words.state(record),
        "standing": searched,
        "row": None if searched is None else _row(searched, "", False),
        "left": None if searched is None else _left([searched]),
        "objective": objective.description,
        "generation_word": "generation" if record.is_search else "point",
        "done": done(record),
        "due": record.spec.due,
        "generations": shown,
        "hidden_generations": len(totals.generations) - len(shown),
        "chart": line_chart(
            f"{objective.label} by generation",
            "generation",
            objective.label,
            [
                Series("median", series["median"], "median", breaks=breaks),
                Series("best", series["best"], "best", breaks=breaks),
            ],
        ),
        "reasons": grouped_reasons(reader.reasons(study_id))[:50],
        "facts": _facts(record),
    }


def _shown(record: StudyRecord, number: int, fitness: float | None) -> float | None:
    spec = record.spec
    return spec.workload_of(number).objective.shown(fitness, spec.steps_of(number))


def _median(record: StudyRecord, one: GenerationTotals) -> float | None:
    spec = record.spec
    return spec.workload_of(one.number).objective.shown_median(one.median, one.upper, spec.steps_of(one.number))


def _facts(record: StudyRecord) -> dict[str, str]:
    spec = record.spec
    budgets = spec.budgets
    same = len(set(budgets)) == 1
    return {
        "task": spec.task,
        "seed": str(spec.seed),
        "candidates": f"{spec.batches:,} × {spec.batch_size:,}",
        "budget": f"{budgets[0]:,} gradient evaluations" if same else f"{min(budgets):,} to {max(budgets):,}",
        "objective": spec.workload.objective.text,
        "created": f"{moment(record.created_at)} UTC",
        **({"driver": record.owner} if record.owner else {}),
    }


def candidates(reader: Reading, record: StudyRecord, rows: Sequence[CandidateRow]) -> dict[str, Any]:
    """Return the rows of a page of candidates."""
    objective = record.spec.workload.objective
    scales = {one.name: one.scale for one in SearchSpace.from_dict(record.spec.space).dimensions}
    names = list(dict.fromkeys([*scales, *(name for row in rows for name in row.record.hyperparameters)]))

    def shown(row: CandidateRow, name: str) -> str:
        value = row.record.hyperparameters.get(name)
        return hyperparameter(value, scales.get(name))

    return {
        "names": names,
        "rows": [
            {
                "id": row.id,
                "label": run_label(row.record.key),
                "status": row.record.status.value,
                "value": measured(
                    record.spec.workload_of(row.record.key.generation).objective.shown(
                        row.record.fitness, row.record.steps
                    )
                ),
                "hyperparameters": [shown(row, name) for name in names],
                "steps_done": row.record.steps_done,
                "seconds": number(row.record.seconds, 3),
                "reason": row.record.reason,
            }
            for row in rows
        ],
        "value_title": objective.noun,
    }


def candidate(reader: Reading, record: StudyRecord, row: CandidateRow) -> dict[str, Any]:
    """Return a candidate: its curve, hyperparameters, attempts, and the lines that train it again."""
    one, spec = row.record, record.spec
    losses = reader.store.curve(row.study_id, one.key)
    places = decimated(losses, CURVE_POINTS)
    points = [(float(place) + 1, float(losses[place])) for place in places]
    if one.status is Status.WAITING:
        attempts: list[AttemptRecord] = []
    else:
        attempts = reader.attempts(row)
    scales = {each.name: each.scale for each in SearchSpace.from_dict(spec.space).dimensions}
    return {
        "id": row.id,
        "record": record,
        "label": run_label(one.key),
        "candidate": one,
        "value": measured(spec.workload_of(one.key.generation).objective.shown(one.fitness, one.steps)),
        "objective": spec.workload.objective.description,
        "hyperparameters": [
            (name, hyperparameter(value, scales.get(name)), repr(value))
            for name, value in one.hyperparameters.items()
        ],
        "chart": line_chart(
            "Loss by gradient evaluation", "gradient evaluation", "loss",
            [Series("loss", [(x, y if math.isfinite(y) else None) for x, y in points], "best")],
        ),
        "losses": len(losses),
        "is_decimated": len(places) < len(losses),
        "attempts": attempts,
        "command": commands.train_command(spec, one),
        "call": commands.train_call(spec, one),
    }  # fmt: skip
