"""Searches on several tasks, with a substitute for training: what is trained, told, recorded and resumed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tuner import strategies
from tuner.core.errors import InvalidRequest
from tuner.core.events import TrainingProgress
from tuner.core.objective_text import parse
from tuner.core.scores import SMALLEST, Scale
from tuner.core.study import SearchSpec, StudyRecord, TaskPart
from tuner.core.trial import Evaluation, Role, Status, Workload
from tuner.execution.in_process import InProcessExecutor
from tuner.results.analysis.several_tasks import on_each_task, whole
from tuner.results.analysis.summary import Summary, summarise
from tuner.results.tables.table import Table
from tuner.storage import Store
from tuner.studies import search
from tuner.studies.callbacks import NoCallback
from tuner.studies.driver import run_study
from tuner.studies.lookup import task_names
from tuner.studies.planner import SearchRequest, plan_search
from tuner.studies.several_tasks import options_of

OWNER = "elsewhere:1"
SPACE = {
    "optimizer": "Adam",
    "hyperparameters": {"rate": {"scale": "log", "default": 0.5}, "act": {"scale": "log", "default": 1.0}},
}
INTERRUPTED: list[bool] = []  # not empty once the interruption that the options request has happened


def bowls(workload: Workload, trials: Any) -> Any:
    """Yield a fitness with its minimum at a rate of the task, times a scale of the task, and noise from the seed."""
    options = workload.options
    yield TrainingProgress(trials[0].steps, np.ones([trials[0].steps, len(trials)]))
    for key in dict.fromkeys(trial.key for trial in trials):
        trial = next(trial for trial in trials if trial.key == key)
        if options.get("interrupt") == [key.generation, key.slot] and not INTERRUPTED:
            INTERRUPTED.append(True)
            raise KeyboardInterrupt
        distance = (math.log(trial.hyperparameters["rate"]) - math.log(options["best"])) ** 2 + 0.01
        fitness = options["scale"] * distance * (1 + trial.seed % 10 * 1e-3) + options.get("shift", 0.0)
        diverges = trial.hyperparameters["rate"] > options.get("limit", math.inf)
        status = Status.DIVERGED if diverges else Status.FINISHED
        yield Evaluation(key, status, math.inf if diverges else fitness, (), trial.steps, 0.01)


def part(
    task: str, *, steps: int = 10, cohort_size: int = 4, objective: str = "training-loss", **options: Any
) -> TaskPart:
    options = {"best": 2.0, "scale": 1.0} | options
    return TaskPart(Workload(task, "Adam", cohort_size, options=options, objective=parse(objective)), (steps,) * 6)


def spec(*parts: TaskPart, strategy: str = "paper", population: int = 8, seed: int = 1) -> SearchSpec:
    first, *further = parts
    return SearchSpec(
        run="run",
        workload=first.workload,
        steps=first.steps,
        further=tuple(further),
        strategy=strategy,
        seed=seed,
        generations=6,
        population=population,
        parameters={"sigmas": [1.0, 0.8, 0.6, 0.4, 0.2, 0.1]},
        fresh_seeds=3,
        space=SPACE,
    )


TWO = (part("near", best=2.0), part("far", best=0.25, scale=1e5, steps=30, cohort_size=3))


def run(store: Store, study: SearchSpec | StudyRecord) -> StudyRecord:
    record = store.create_study(study) if isinstance(study, SearchSpec) else study
    run_study(store, record, InProcessExecutor(train=f"{__name__}:bowls"), NoCallback(), owner=OWNER)
    return store.find(record.spec.name)[0]


def rows(store: Store, study: StudyRecord) -> list[Any]:
    return [(one.key, one.genome, one.seed, one.steps, one.status, one.fitness) for one in store.candidates(study.id)]


@pytest.fixture
def store(tmp_path: Any) -> Any:
    with Store.open(str(tmp_path / "studies.db")) as opened:
        yield opened


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[list[float]]:
    """What strategies are told, generation by generation."""
    found: list[list[float]] = []
    create = strategies.create

    def watched(*arguments: Any, **values: Any) -> Any:
        strategy = create(*arguments, **values)
        tell = strategy.tell

        def record(fitnesses: Any) -> str:
            found.append(list(fitnesses))
            return tell(fitnesses)

        strategy.tell = record
        return strategy

    monkeypatch.setattr(search.strategies, "create", watched)
    return found


def fitnesses(store: Store, study: StudyRecord, role: Role = Role.SEARCH) -> np.ndarray[Any, Any]:
    """The recorded fitnesses as [generations, tasks, slots], straight from the rows."""
    found = [one for one in store.candidates(study.id) if one.key.role is role]
    shape = (-1, len(study.search.parts), len({one.key.slot for one in found}))
    return np.array([math.nan if one.fitness is None else one.fitness for one in found]).reshape(shape)


def test_each_candidate_is_trained_on_every_task_with_the_same_genome_and_seed(store: Store) -> None:
    study = run(store, spec(*TWO, strategy="genetic"))
    candidates = store.candidates(study.id)
    assert len([one for one in candidates if one.key.role is Role.SEARCH]) == 6 * 8 * 2
    by_task = [own for _, own in on_each_task(study, candidates)]
    for near, far in zip(*by_task, strict=True):
        assert (near.key, near.genome, near.seed) == (far.key, far.genome, far.seed)
        assert (near.steps, far.steps) == (10, 30)
    assert study.status == "complete"
    assert store.check().faults == ()


def test_the_first_generation_and_the_defaults_are_those_of_a_search_on_the_task_alone(store: Store) -> None:
    both = run(store, spec(*TWO))
    for (_, own), alone in zip(on_each_task(both, store.candidates(both.id)), TWO, strict=True):
        single = run(store, replace(spec(alone), run=alone.workload.task))
        first = {one.key: one for one in store.candidates(single.id)}
        compared = [one for one in own if one.key.role is not Role.TUNED and one.key.generation == 0]
        assert len(compared) == 8 + 3
        for one in compared:
            assert (one.genome, one.seed, one.steps, one.fitness) == (
                first[one.key].genome, first[one.key].seed, first[one.key].steps, first[one.key].fitness,
            )  # fmt: skip


def test_the_strategy_is_told_the_geometric_means_of_positive_fitnesses(store: Store, told: list[list[float]]) -> None:
    study = run(store, spec(*TWO))
    recorded = fitnesses(store, study)
    assert np.allclose(told, np.sqrt(recorded[:, 0] * recorded[:, 1]), rtol=1e-12)


def test_other_fitnesses_count_by_their_distance_from_the_first_generation(
    store: Store, told: list[list[float]]
) -> None:
    accuracy = part("sure", objective="validation.accuracy", scale=0.1, shift=-0.9)
    study = run(store, spec(TWO[0], accuracy))
    recorded = fitnesses(store, study)
    lower, middle, upper = np.quantile(recorded[0, 1], [0.25, 0.5, 0.75])
    terms = (np.log(recorded[:, 0]) + (recorded[:, 1] - middle) / (upper - lower)) / 2
    assert np.allclose(told, np.exp(terms), rtol=1e-9)  # a sum and an exponential, of terms up to 100


def test_a_candidate_that_diverges_on_one_task_is_a_failure(store: Store, told: list[list[float]]) -> None:
    fragile = part("fragile", limit=1.0)
    study = run(store, spec(TWO[0], fragile))
    recorded = fitnesses(store, study)
    assert np.isinf(recorded[:, 1]).any()
    assert np.isfinite(recorded[:, 0]).all()
    assert np.array_equal(np.isinf(told), np.isinf(recorded[:, 1]))
    of_scores, runs = whole(study, store.candidates(study.id))
    diverged = sum(one.status is Status.DIVERGED for one in runs if one.key.role is Role.SEARCH)
    assert diverged == np.isinf(recorded[:, 1]).sum() == of_scores.counts[Status.DIVERGED]


@pytest.mark.parametrize("strategy", ["paper", "genetic", "cma-es", "random"])
def test_the_scale_of_a_task_changes_nothing(store: Store, strategy: str) -> None:
    genomes = []
    for run_name, scale in (("one", 1.0), ("other", 2.0**20)):  # a power of two: products are exact
        parts = (TWO[0], part("far", best=0.25, scale=scale))
        study = run(store, replace(spec(*parts, strategy=strategy), run=run_name))
        genomes.append([one.genome for one in store.candidates(study.id)])
    assert np.allclose(*genomes, rtol=1e-6)  # logarithms of other magnitudes round otherwise


def test_the_tuned_point_is_between_the_best_points_of_the_tasks(store: Store) -> None:
    for seed in range(3):
        study = run(store, replace(spec(*TWO, strategy="genetic", population=16, seed=seed), run=f"run-{seed}"))
        assert study.tuned is not None
        assert 0.25 / 1.1 < study.tuned["rate"] < 2.0 * 1.1


@pytest.mark.parametrize("batch", [0, 5, 10])
def test_a_search_that_stops_between_two_tasks_of_a_generation_goes_on_to_the_same_rows(
    store: Store, batch: int
) -> None:
    undisturbed = run(store, spec(*TWO, strategy="genetic"))
    INTERRUPTED.clear()
    hit = [replace(each, workload=replace(each.workload, options={**each.workload.options, "interrupt": [batch, 0]}))
           for each in TWO]  # fmt: skip
    begun = store.create_study(replace(spec(*hit, strategy="genetic"), run="stopped"))
    with pytest.raises(KeyboardInterrupt):
        run(store, begun)
    assert INTERRUPTED
    resumed = run(store, store.find("stopped/Adam")[0])
    assert rows(store, resumed) == rows(store, undisturbed)
    assert resumed.tuned == undisturbed.tuned


def test_a_search_on_one_task_is_stored_as_before(store: Store) -> None:
    study = run(store, spec(TWO[0]))
    assert study.spec == spec(TWO[0])
    (row,) = store._engine.connect().exec_driver_sql("SELECT further_tasks, generations FROM studies").all()
    assert row == (None, 6)


def test_a_search_on_several_tasks_is_read_back_as_it_was(store: Store) -> None:
    planned = spec(*TWO, part("third", objective="validation.accuracy:best"))
    assert store.create_study(planned).spec == planned


# Results


@pytest.fixture
def summary(store: Store) -> Summary:
    study = run(store, spec(*TWO))
    return summarise(study, store.candidates(study.id))


def test_the_improvement_is_the_geometric_mean_ratio_over_tasks_and_seeds(store: Store, summary: Summary) -> None:
    (study,) = store.find("run")
    default, tuned = (fitnesses(store, study, role)[0] for role in (Role.DEFAULT, Role.TUNED))
    ratios = np.log(default / tuned)  # [tasks, seeds]
    assert summary.improvement == pytest.approx(np.exp(ratios.mean()), rel=1e-12)
    assert summary.gain.spread == pytest.approx(ratios.mean(axis=0).std(ddof=1), rel=1e-9)
    assert summary.verdict == "better"  # 0.5 is the default, and a mean of logarithms the optimum
    assert summary.default.mean == pytest.approx(np.sqrt(default[0] * default[1]).mean(), rel=1e-12)


def test_the_results_on_each_task_are_those_of_its_rows(store: Store, summary: Summary) -> None:
    (study,) = store.find("run")
    for part_summary, tuned in zip(summary.parts, fitnesses(store, study, Role.TUNED)[0], strict=True):
        assert part_summary.tuned.mean == pytest.approx(tuned.mean(), rel=1e-12)
    assert [each.task for each in summary.parts] == ["near", "far"]
    assert summary.counts.total == summary.counts.finished == 6 * 8
    assert summary.search_cost.evaluations == 6 * 8 * (10 + 30)


def test_the_table_has_a_row_per_optimizer_with_each_task_and_the_mean_rank(summary: Summary) -> None:
    worse = [
        replace(each, tuned=replace(each.tuned, mean=factor * (each.tuned.mean or 0)))
        for each, factor in zip(summary.parts, (2.0, 0.5), strict=True)
    ]
    # The lowest mean, of the one run that did not diverge, is no better than what finishes on every seed.
    third = [replace(each, tuned=replace(each.tuned, mean=1e-9, finished=1, diverged=2)) for each in summary.parts]
    table = Table(
        (
            summary,
            replace(summary, optimizer="Momentum", parts=tuple(worse)),
            replace(summary, optimizer="LODO", parts=tuple(third)),
        )
    )
    (section,) = table.sections()
    overall = section.tables[1]
    assert list(overall.header) == ["optimizer", "near", "far", "improvement", "mean rank", "verdict"]
    # Ranks 1 and 2; 2 and 1; 3 and 3.
    assert [row[4] for row in overall.rows] == ["1.50", "1.50", "3.00"]
    assert len(section.tables) == 5  # hyperparameters, overall, two tasks, costs
    frame = table.to_dataframe()
    assert len(frame) == 3 * 2 * 2  # optimizers, tasks, hyperparameters
    assert frame.mean_rank.tolist() == [1.5] * 8 + [3.0] * 4


# Requests


def test_each_task_has_the_steps_of_its_preset_for_the_generations_of_the_first() -> None:
    (study, *_) = plan_search(SearchRequest(task="rosenbrock,noisy-quadratic-bowl", preset="quick")).specs
    alone = [
        plan_search(SearchRequest(task=task, preset="quick", generations=5)).specs[0].steps
        for task in ("rosenbrock", "noisy-quadratic-bowl")
    ]
    assert isinstance(study, SearchSpec)
    assert [each.steps for each in study.parts] == alone


def test_the_first_task_gives_generations_population_and_sigmas() -> None:
    bowl, rosenbrock = (
        plan_search(SearchRequest(task=task)).specs[0]
        for task in ("noisy-quadratic-bowl,rosenbrock", "noisy-quadratic-bowl")
    )
    assert isinstance(bowl, SearchSpec)
    assert isinstance(rosenbrock, SearchSpec)
    assert (bowl.generations, bowl.population, bowl.sigmas, bowl.fresh_seeds) == (
        rosenbrock.generations, rosenbrock.population, rosenbrock.sigmas, rosenbrock.fresh_seeds,
    )  # fmt: skip


def test_commas_separate_tasks_unless_the_path_of_a_file_has_them(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.py", "b,c.py"):
        (tmp_path / name).touch()
    assert task_names("a.py:A, rosenbrock") == (f"{tmp_path}/a.py:A", "rosenbrock")
    assert task_names("rosenbrock,a.py:A") == ("rosenbrock", f"{tmp_path}/a.py:A")
    assert task_names("a.py:A,a.py:B") == (f"{tmp_path}/a.py:A", f"{tmp_path}/a.py:B")
    assert task_names("b,c.py:C") == (f"{tmp_path}/b,c.py:C",)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"task": "rosenbrock,rosenbrock"}, "rosenbrock is named twice"),
        ({"task": "rosenbrock,"}, "takes names with a comma"),
        # Two generations of 8 candidates, each of which trains 200 + 1,000 steps.
        ({"task": "rosenbrock,noisy-quadratic-bowl", "preset": "quick", "budget": 19_199}, "is at least 19200 for"),
        ({"task": "rosenbrock,noisy-quadratic-bowl", "preset": "quick", "budget": 0}, "is at least 1. Received: 0"),
        ({"task": "rosenbrock,pixelcnn", "precision": "bfloat16"}, "precision"),
    ],
)
def test_requests_that_several_tasks_cannot_have_are_refused(request_: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        plan_search(SearchRequest(**request_))


@pytest.mark.parametrize("strategy", ["genetic", "random", "cma-es"])
def test_a_budget_is_that_of_all_tasks_together_and_pays_for_equal_shares_of_their_full_trainings(
    strategy: str,
) -> None:
    for budget in (19_200, 100_000, 1_000_003):
        (spec, *_) = plan_search(
            SearchRequest(task="noisy-quadratic-bowl,rosenbrock", preset="quick", budget=budget, strategy=strategy)
        ).specs
        assert isinstance(spec, SearchSpec)
        bowl, rosenbrock = (part.steps for part in spec.parts)
        cost = spec.population * sum((*bowl, *rosenbrock))
        assert budget - spec.population * (bowl[-1] + rosenbrock[-1]) < cost <= budget  # no further generation fits
        assert (bowl[-1], rosenbrock[-1]) == (1000, 200)
        assert [steps // 5 for steps in bowl] == list(rosenbrock)


def test_options_are_of_all_tasks_or_of_the_one_they_name() -> None:
    given = {"size": 1, "mine.py:A.depth": 2, "b.depth": 3}
    assert options_of(["/home/mine.py:A", "b"], given) == [{"size": 1, "depth": 2}, {"size": 1, "depth": 3}]
    assert options_of(["b"], given) == [given]


def test_a_loss_of_zero_counts_as_the_smallest() -> None:
    scale = Scale([False, False])
    for task in range(2):
        scale.learn(task, [1.0, 2.0])
    assert scale.score([0.0, 1.0]) == pytest.approx(math.sqrt(SMALLEST))
