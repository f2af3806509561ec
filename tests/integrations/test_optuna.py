"""Strategies in Optuna, which is the extra `optuna`."""

import itertools
import math
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from tuner import strategies
from tuner.core.errors import InvalidRequest
from tuner.integrations.outside_spaces import OutsideSpace

optuna = pytest.importorskip("optuna")

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: E402
from optuna.trial import TrialState  # noqa: E402

from tuner.integrations.optuna import GeneticSampler, _parameter, budget_of, seed_of  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.ERROR)

SPACE = {
    "lr": FloatDistribution(1e-6, 1.0, log=True),
    "width": IntDistribution(8, 1024, log=True),
    "dropout": FloatDistribution(0.0, 0.5, step=0.1),
    "act": CategoricalDistribution(["relu", "gelu", None]),
}


def objective(trial):
    """The least is 0, at lr 1e-2, width 200, no dropout and gelu."""
    lr, width = trial.suggest_float("lr", 1e-6, 1.0, log=True), trial.suggest_int("width", 8, 1024, log=True)
    dropout = trial.suggest_float("dropout", 0.0, 0.5, step=0.1)
    act = trial.suggest_categorical("act", ["relu", "gelu", None])
    assert trial.suggest_int("layers", 3, 3) == 3
    far = (math.log(lr / 1e-2) / 3) ** 2 + math.log(width / 200) ** 2
    return far + dropout + {"relu": 0.5, "gelu": 0.0, None: 1.0}[act]


def sampler(space=SPACE, **arguments):
    return GeneticSampler(space, **{"generations": 4, "population": 4} | arguments)


def study_of(of=None, **arguments):
    return optuna.create_study(sampler=of or sampler(**arguments))


def parameters(study):
    return [trial.params for trial in study.trials]


@pytest.mark.parametrize(
    "distribution",
    [
        IntDistribution(3, 9),
        IntDistribution(3, 19, step=4),
        IntDistribution(1, 12, log=True),
        FloatDistribution(-0.4, 0.6, step=0.2),
        FloatDistribution(0.1, 0.7, step=0.1),
        CategoricalDistribution(["a", 3, None, 2.5, True]),
    ],
    ids=str,
)
def test_a_distribution_has_the_values_that_optuna_draws(distribution):
    random = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study()
    drawn = {random.sample_independent(study, study.trials, "x", distribution) for _ in range(500)}
    space = OutsideSpace({"x": _parameter("x", distribution)})
    low, high = space.space.lower[0], space.space.upper[0]
    ours = [space.values(space.space.decode([low + (high - low) * at / 500]))["x"] for at in range(501)]
    assert all(distribution._contains(distribution.to_internal_repr(value)) for value in ours)
    assert {(type(value).__name__, str(value)) for value in ours} == {
        (type(value).__name__, str(round(value, 12) if isinstance(value, float) else value)) for value in drawn
    }


def test_the_search_ends_itself_after_the_defaults_and_the_tuned_parameters():
    study = study_of(fresh_seeds=2)
    study.optimize(objective)
    assert len(study.trials) == 4 * 4 + 2 * 2
    names = list(SPACE)
    assert [{name: trial.params[name] for name in names} for trial in study.trials[-2:]] == [study.sampler.tuned] * 2
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}


def test_it_finds_better_than_the_defaults_and_near_the_optimum():
    study = study_of(generations=7, population=8)
    study.optimize(objective)
    assert study.best_value < 0.1 < 0.5 < study.trials[0].value  # the least is 0


@pytest.mark.parametrize("strategy", strategies.names())
def test_every_strategy_searches_and_repeats_itself(strategy):
    def far(trial):
        return math.log(trial.suggest_float("lr", 1e-6, 1.0, log=True)) ** 2 + trial.suggest_int("width", 1, 30)

    space = {"lr": FloatDistribution(1e-6, 1.0, log=True), "width": IntDistribution(1, 30)}
    found = []
    for seed in (0, 0, 1):
        study = study_of(space=space, strategy=strategy, seed=seed)
        study.optimize(far)
        found.append(parameters(study))
    assert found[0] == found[1] != found[2]


def test_without_a_space_the_search_begins_after_the_first_trial():
    study = study_of(sampler(None))
    study.optimize(objective)
    assert len(study.trials) == 1 + 4 * 4 + 2
    given = study_of()
    given.optimize(objective)
    assert parameters(study)[1:] == parameters(given)


def test_the_greatest_is_the_least_of_the_negative():
    least, greatest = study_of(), optuna.create_study(sampler=sampler(), direction="maximize")
    least.optimize(objective)
    greatest.optimize(lambda trial: -objective(trial))
    assert parameters(least) == parameters(greatest)


@pytest.mark.parametrize("stop", [1, 6, 16])
def test_a_later_process_goes_on_as_if_there_had_been_no_other(stop, tmp_path):
    whole = study_of()
    whole.optimize(objective)
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    optuna.create_study(study_name="s", storage=url, sampler=sampler()).optimize(objective, n_trials=stop)
    study = optuna.load_study(study_name="s", storage=url, sampler=sampler())
    study.optimize(objective)
    assert parameters(study) == parameters(whole)
    assert study.sampler.tuned == whole.sampler.tuned


def test_a_pickled_sampler_goes_on():
    whole, study = study_of(), study_of()
    whole.optimize(objective)
    study.optimize(objective, n_trials=7)
    study.sampler = pickle.loads(pickle.dumps(study.sampler))
    study.optimize(objective)
    assert parameters(study) == parameters(whole)


def test_a_study_is_not_continued_with_another_search():
    study = study_of()
    study.optimize(objective, n_trials=3)
    study.sampler = sampler(seed=1, population=5)
    with pytest.raises(InvalidRequest, match="another population, seed; go on with the arguments that began it"):
        study.ask().suggest_float("lr", 1e-6, 1.0, log=True)


def test_one_sampler_searches_in_two_studies_at_a_time():
    shared, alone = sampler(), study_of()
    alone.optimize(objective)
    first, second = study_of(shared), study_of(shared)
    for _ in range(3):
        first.optimize(objective, n_trials=6)
        second.optimize(objective, n_trials=6)
    assert parameters(first) == parameters(second) == parameters(alone)


def test_threads_train_each_candidate_and_come_to_the_result_of_one():
    alone, together = study_of(), study_of()
    alone.optimize(objective)
    together.optimize(objective, n_jobs=4)
    assert together.sampler.tuned == alone.sampler.tuned
    of_search = {tuple(trial.system_attrs["lodo_tune:candidate"]) for trial in together.trials}
    assert len(of_search & {("search", g, s) for g in range(4) for s in range(4)}) == 16


def test_processes_share_a_search_through_the_storage(tmp_path):
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    optuna.create_study(study_name="s", storage=url)

    def work(_):
        study = optuna.load_study(study_name="s", storage=url, sampler=sampler())  # each has a sampler of its own
        study.optimize(objective)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    study = optuna.load_study(study_name="s", storage=url, sampler=sampler())
    alone = study_of()
    alone.optimize(objective)
    ours = [tuple(trial.system_attrs["lodo_tune:candidate"]) for trial in study.trials]
    assert {("search", g, s) for g in range(4) for s in range(4)} <= set(ours)
    final = next(trial for trial, key in zip(study.trials, ours, strict=True) if key[0] == "tuned")
    assert {name: final.params[name] for name in SPACE} == alone.sampler.tuned


def test_a_trial_that_never_ends_is_repeated_and_the_first_result_counts():
    study = study_of()
    lost = study.ask(SPACE)
    others = [study.ask(SPACE) for _ in range(3)]
    repeated = study.ask(SPACE)
    assert repeated.params == lost.params
    assert study.ask(SPACE).params == others[0].params  # which the fewest trials are training
    for trial in (*others, repeated):
        study.tell(trial, 1.0)
    study.ask(SPACE)
    assert study.trials[-1].system_attrs["lodo_tune:candidate"] == ["search", 1, 0]  # of the next generation
    study.tell(lost, 0.0)
    assert [record.fitness for record in study.sampler._loop.records.values()][:4] == [1.0] * 4


@pytest.mark.parametrize("way", ["nan", "raises", "pruned"])
def test_a_trial_without_a_value_is_a_failure_and_the_search_goes_on(way):
    def sometimes(trial):
        value = objective(trial)
        if trial.number % 3 != 1:
            return value
        if way == "nan":
            return math.nan
        raise ZeroDivisionError if way == "raises" else optuna.TrialPruned

    study = study_of(generations=6)
    study.optimize(sometimes, catch=(ZeroDivisionError,))
    assert len(study.trials) == 6 * 4 + 2
    assert study.sampler.tuned not in [trial.params for trial in study.trials[:24] if trial.number % 3 == 1]


def test_a_pruned_trial_counts_with_the_last_value_that_it_reported():
    study = study_of()

    def pruned(trial):
        trial.report(objective(trial) + 3, 1)
        trial.report(objective(trial), 2)
        raise optuna.TrialPruned

    whole = study_of()
    whole.optimize(objective)
    study.optimize(pruned)
    assert parameters(study) == parameters(whole)


def test_a_trial_with_parameters_of_the_users_does_not_belong_to_the_search():
    whole, study = study_of(), study_of()
    whole.optimize(objective)
    study.optimize(objective, n_trials=3)
    mine = {"lr": 0.5, "width": 9, "dropout": 0.3, "act": None}
    study.enqueue_trial(mine)
    study.optimize(objective)
    assert {name: study.trials[3].params[name] for name in mine} == mine
    assert parameters(study)[:3] + parameters(study)[4:] == parameters(whole)


def test_trials_know_their_seeds_and_budgets():
    seeds, budgets = [], []

    def noted(trial):
        seeds.append(seed_of(trial))
        budgets.append(budget_of(trial))
        return objective(trial)

    study = study_of(generations=None, steps=160, budget=4000)
    study.optimize(noted)
    assert budgets[0] < budgets[-1] == 160
    assert sum(budgets[:-2]) <= 4000
    full = [seed for seed, budget in zip(seeds, budgets, strict=True) if budget == 160][:-2]
    assert len(set(full[:4])) == 1  # of a generation
    assert seeds[-1] == seeds[-2] not in full
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_study_of_two_objectives_has_a_front():
    def two(trial):
        width = trial.suggest_int("width", 8, 1024, log=True)
        lr = trial.suggest_float("lr", 1e-6, 1.0, log=True)
        return 8 / width + math.log(lr / 1e-2) ** 2, -width  # the wider the better, and the narrower

    space = {"width": SPACE["width"], "lr": SPACE["lr"]}
    of = sampler(space, strategy="nsga2", generations=12, population=12)
    study = optuna.create_study(sampler=of, directions=["minimize", "maximize"])
    study.optimize(two)
    assert len(study.trials) == 12 * 12 + 2
    again = optuna.create_study(
        sampler=sampler(space, strategy="nsga2", generations=12, population=12), directions=["minimize", "minimize"]
    )
    again.optimize(lambda trial: (two(trial)[0], -two(trial)[1]))
    assert parameters(again) == parameters(study)
    ours = {values for _, values in of._loop._batches._strategy.front}
    theirs = {(trial.values[0], -trial.values[1]) for trial in study.best_trials}
    assert ours & theirs
    assert min(trial.values[0] for trial in study.best_trials) < 0.1


def test_beyond_the_end_the_tuned_parameters_are_trained_on_further_seeds():
    study = study_of()
    study.optimize(objective)
    further = [study.ask(SPACE) for _ in range(3)]
    tuned = study.sampler.tuned
    assert [trial.params for trial in further] == [tuned] * 3
    assert len({seed_of(trial) for trial in further}) == 3


def test_what_is_not_accepted_is_named_in_one_line():
    for arguments, message in (
        ({"space": {"x": FloatDistribution(1, 1)}}, "space: a search space has a parameter with more than one value"),
        ({"strategy": "cma-es"}, "strategy: cma-es does not search"),
        ({"population": 0}, "population is at least 1"),
    ):
        with pytest.raises(InvalidRequest, match=message):
            sampler(**arguments)
    study = optuna.create_study(sampler=sampler(), directions=["minimize", "minimize"])
    with pytest.raises(InvalidRequest, match="genetic searches one objective; take nsga2"):
        study.ask(SPACE)
    study = optuna.create_study(sampler=sampler(strategy="nsga2"), directions=["minimize"] * 4)
    with pytest.raises(InvalidRequest, match="nsga2 searches 3 objectives at most"):
        study.ask(SPACE)
    with pytest.raises(InvalidRequest, match="is one of a study with a GeneticSampler"):
        seed_of(optuna.create_study().ask(SPACE))


def test_a_parameter_that_is_not_always_there_is_sampled_at_random():
    def conditional(trial):
        value = objective(trial)
        return value + (trial.suggest_float("more", 0.0, 1.0) if trial.params["act"] == "relu" else 1.0)

    study = study_of()
    study.optimize(conditional)
    more = [trial.params["more"] for trial in study.trials if "more" in trial.params]
    assert len(set(more)) == len(more) > 2
    assert all(a != b for a, b in itertools.pairwise(more))


def test_the_example_of_the_guide_tunes(tmp_path, monkeypatch, capsys):
    import runpy
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs/guides/other-tuners.md").read_text(encoding="utf-8")
    example = page.partition("```python\n# sampled.py\n")[2].partition("```")[0]
    assert "GeneticSampler" in example
    file = tmp_path / "sampled.py"
    file.write_text(example, encoding="utf-8")
    study = runpy.run_path(str(file), run_name="__main__")["study"]
    assert len(study.trials) == 1 + 5 * 8 + 2
    tuned, defaults = study.trials[-1], study.trials[-2]
    assert tuned.value < defaults.value
    assert "tuned: {'rate':" in capsys.readouterr().out
