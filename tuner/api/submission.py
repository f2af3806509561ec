"""Requests for searches that come from elsewhere: their names and their cost.

A request is data: names of a catalogue, numbers, and the text of search spaces. It names no file, module or address.
"""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lodo.registry
import tasks.registry
from tuner import strategies
from tuner.api.comparison_submission import KIND, planned_comparison
from tuner.api.requests import sequence
from tuner.core.errors import InvalidRequest
from tuner.core.requests import Cost
from tuner.core.study import ComparisonSpec, SearchSpec, StudySpec
from tuner.core.text import nearest
from tuner.execution.resources import MIN_GIGABYTES, Resources
from tuner.strategies.registry import BUILT_IN
from tuner.studies.lookup import run_name
from tuner.studies.planner import MAX_FRESH_SEEDS, Plan, SearchRequest, plan_search
from tuner.studies.search_seeds import MAX_SEARCHES
from tuner.training import own_optimizers

KERAS = "keras:"

__all__ = [
    "MAX_FRESH_SEEDS", "MAX_SEARCHES", "MIN_GIGABYTES", "Catalogue", "Preview", "cost_of", "optimizer_facts",
    "planned", "preview", "run_name", "space_facts", "task_facts",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Names that a request may use: what ships, and what installed packages offer and the operator has listed.

    Attributes:
        tasks: Names of tasks.
        optimizers: Names of optimizers.
        strategies: Names of strategies.
    """

    tasks: tuple[str, ...]
    optimizers: tuple[str, ...]
    strategies: tuple[str, ...]

    @classmethod
    def of(
        cls, tasks_too: Sequence[str] = (), optimizers_too: Sequence[str] = (), strategies_too: Sequence[str] = ()
    ) -> Catalogue:
        """Return what ships, and what is named in addition.

        Args:
            tasks_too: Names of tasks that installed packages offer.
            optimizers_too: Likewise of optimizers; "keras:NAME" of one of Keras.
            strategies_too: Likewise of strategies.

        Raises:
            InvalidRequest: No installed package offers it.
        """
        optimizers = [name for name in optimizers_too if not name.startswith(KERAS)]
        for named, offered, what in (
            (tasks_too, tasks.registry.plugins(), "task"),
            (optimizers, own_optimizers.plugins(), "optimizer"),
            (strategies_too, strategies.names(), "strategy"),
        ):
            for name in named:
                if name not in offered:
                    known = ", ".join(offered) or "none"
                    raise InvalidRequest(
                        "catalogue", f": no installed package offers this {what} (known: {known})", name
                    )
        return cls(
            (*tasks.registry.TASKS, *tasks_too),
            (*lodo.registry.OPTIMIZERS, *optimizers_too),
            (*BUILT_IN, *strategies_too),
        )

    def check(self, fields: Mapping[str, Any]) -> None:
        """Check that a request uses no other names.

        Raises:
            InvalidRequest: It does.
        """
        strategy = fields.get("strategy")
        for field, names, accepted in (
            ("task", fields["task"], self.tasks),
            ("optimizers", fields.get("optimizers") or (), self.optimizers),
            ("strategy", () if strategy is None else (strategy,), self.strategies),
        ):
            for name in names:
                if name not in accepted:
                    raise InvalidRequest(field, f"is one of {', '.join(accepted)}{nearest(name, accepted)}", name)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a request would start.

    Attributes:
        cost: What it takes.
        remarks: Remarks for users.
        base: Base of a name for the run.
        resolved: The values of the fields that the request left to defaults.
    """

    cost: Cost
    remarks: tuple[str, ...]
    base: str
    resolved: Mapping[str, Any]


def planned(
    name: str | None,
    fields: Mapping[str, Any],
    catalogue: Catalogue,
    cpus_per_candidate: int = 1,
    database: str = "",
) -> Plan:
    """Return the studies of a request.

    Args:
        name: Name of the run. None: it is not named.
        fields: Arguments of `tuner.tune` or `tuner.compare` that decide the results; "task" is a list of names, and
            search spaces are texts.
        catalogue: Names that the request may use.
        cpus_per_candidate: Cores of a worker.
        database: URL of the database with the search of a comparison. Default: none.

    Raises:
        InvalidRequest: A value is not accepted.
        ValueError: A task, an optimizer, a search space or a data set cannot be used.
    """
    catalogue.check(fields)
    if fields.get("kind") == KIND:
        return planned_comparison(name, fields, catalogue.optimizers, cpus_per_candidate, database)
    with tempfile.TemporaryDirectory(prefix="lodo-spaces-") as folder:
        spaces = []
        for number, text in enumerate(fields.get("search_spaces") or ()):
            spaces.append(Path(folder) / f"search-space-{number + 1}.yaml")
            spaces[-1].write_text(text, encoding="utf-8")
        request = SearchRequest(
            task=",".join(fields["task"]),
            optimizers=sequence(fields.get("optimizers")),
            preset=fields.get("preset") or "paper",
            generations=fields.get("generations"),
            population=fields.get("population"),
            steps=sequence(fields.get("steps")),
            sigma=sequence(fields.get("sigma")),
            budget=fields.get("budget"),
            strategy=fields.get("strategy"),
            objective=fields.get("objective"),
            seed=fields.get("seed") or 0,
            fresh_seeds=fields.get("fresh_seeds"),
            search_seeds=fields.get("search_seeds") or 1,
            name=name,
            cpus_per_candidate=cpus_per_candidate,
            search_spaces=tuple(spaces),
            precision=fields.get("precision"),
            options=fields.get("options") or {},
        )
        try:
            plan = plan_search(request)
            limits = Resources(memory_per_candidate=fields.get("memory_per_candidate"))
            limits.check_for(is_function=plan.specs[0].workload.is_function)
            return plan
        except InvalidRequest as error:
            raise error.without(f"{folder}/") from None
        except ValueError as error:
            if f"{folder}/" in str(error):
                raise InvalidRequest("search_spaces", f": {error}".replace(f"{folder}/", "")) from None
            raise


def preview(
    name: str | None,
    fields: Mapping[str, Any],
    catalogue: Catalogue,
    cpus_per_candidate: int = 1,
    database: str = "",
) -> Preview:
    """Return what a request would start, without starting or writing anything; see `planned`."""
    plan = planned(name, fields, catalogue, cpus_per_candidate, database)
    first = plan.specs[0]
    resolved: dict[str, Any] = {"optimizers": list(dict.fromkeys(spec.workload.optimizer for spec in plan.specs))}
    if isinstance(first, SearchSpec):
        resolved |= {
            "strategy": first.strategy,
            "generations": first.generations,
            "population": first.population,
            "steps": list(first.steps),
            "fresh_seeds": first.fresh_seeds,
        }
    else:
        resolved |= {"steps": first.steps, "seeds": first.seeds, "points": len(first.points)}
    resolved["objective"] = first.workload.objective.text
    return Preview(cost_of(plan.specs), plan.remarks, plan.base, resolved)


def cost_of(specs: Sequence[StudySpec]) -> Cost:
    """Return what the studies of a run take."""
    rounds: Counter[str] = Counter()
    for spec in specs:
        if isinstance(spec, ComparisonSpec):
            cohorts = math.ceil(spec.seeds / spec.workload.cohort_size) * len(spec.points)
            rounds[f"{spec.workload.task}/{spec.workload.optimizer}"] += cohorts * spec.steps
            continue
        for part in spec.parts:
            size = part.workload.cohort_size
            searched = math.ceil(spec.population / size) * sum(part.steps)
            fresh = math.ceil(2 * spec.fresh_runs / size) * part.steps[-1]
            rounds[f"{part.workload.task}/{spec.workload.optimizer}"] += searched + fresh
    return Cost(
        studies=len(specs),
        candidates=sum(spec.due + _fresh(spec) for spec in specs),
        evaluations=sum(spec.total_budget for spec in specs),
        width=sum(_width(spec) for spec in specs),
        rounds=dict(rounds),
    )


def _fresh(spec: StudySpec) -> int:
    """Return the number of candidates that are trained on fresh seeds after a search."""
    return 2 * spec.fresh_runs * len(spec.parts) if isinstance(spec, SearchSpec) else 0


def _width(spec: StudySpec) -> int:
    """Return the number of cohorts of a study that can be trained at a time."""
    cohorts = math.ceil(spec.batch_size / spec.workload.cohort_size)
    return cohorts if isinstance(spec, SearchSpec) else cohorts * spec.batches


def task_facts(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Return what is known of the tasks of a catalogue without importing the code of one: the fields of a resource."""
    found = []
    for name in catalogue.tasks:
        entry = tasks.registry.TASKS.get(name)
        found.append(
            {
                "name": name,
                "summary": "of an installed package" if entry is None else entry.summary,
                "optimizers": [] if entry is None else list(entry.line_up),
                "presets": list(tasks.registry.GENERAL_PRESETS if entry is None else entry.presets),
                "precisions": [] if entry is None or entry.precisions is None else list(entry.precisions),
            }
        )
    return found


def optimizer_facts(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Return what is known of the optimizers of a catalogue without importing the code of one, likewise."""
    from search_spaces import loader

    return [
        {
            "name": name,
            "hyperparameters": list(loader.builtin(name).names) if name in lodo.registry.OPTIMIZERS else [],
        }
        for name in catalogue.optimizers
    ]


def space_facts(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Return the search spaces of the optimizers of a catalogue that ship, likewise; others declare theirs in code."""
    from search_spaces import loader

    return [
        {"optimizer": name, "space": loader.builtin(name).to_dict()}
        for name in catalogue.optimizers
        if name in lodo.registry.OPTIMIZERS
    ]
