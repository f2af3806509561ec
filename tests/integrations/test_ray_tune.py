"""Strategies in Ray Tune: the searcher by hand, and once in a real `tune.Tuner`."""

import itertools
import json
import math

import numpy as np
import pytest
from ray import tune
from ray.tune.search import Searcher

import tuner
from tests.support.ray_sessions import local_session
from tuner import strategies
from tuner.core.errors import InvalidRequest
from tuner.integrations.outside_spaces import OutsideSpace
from tuner.integrations.ray_tune import Genetic, _flat, _parameter

SPACE = {
    "lr": tune.loguniform(1e-6, 1.0),
    "net": {"width": tune.lograndint(8, 1024), "dropout": tune.quniform(0.0, 0.5, 0.1), "layers": 3},
    "act": tune.choice(["relu", "gelu", None]),
}


def loss(config):
    """The least is 0, at lr 1e-2, width 200, no dropout and gelu."""
    far = (math.log(config["lr"] / 1e-2) / 3) ** 2 + math.log(config["net"]["width"] / 200) ** 2
    return far + config["net"]["dropout"] + {"relu": 0.5, "gelu": 0.0, None: 1.0}[config["act"]]


def ended(search, value=loss, stop=None):
    """Train trial by trial until the search is over; return the configurations, and stop after some of them."""
    configurations = []
    while len(configurations) != stop:
        trial = f"trial-{len(configurations)}"
        configuration = search.suggest(trial)
        if configuration == Searcher.FINISHED:
            break
        configurations.append(configuration)
        search.on_trial_complete(trial, {"loss": value(configuration)})
    return configurations


def searcher(space=SPACE, **arguments):
    return Genetic(space, **{"metric": "loss", "mode": "min", "generations": 4, "population": 4} | arguments)


@pytest.mark.parametrize(
    "domain",
    [
        tune.randint(3, 9),
        tune.qrandint(4, 20, 4),
        tune.qrandint(3, 21, 4),
        tune.qrandint(2, 6, 1),
        tune.lograndint(1, 12),
        tune.qlograndint(4, 40, 4),
        tune.quniform(-0.4, 0.6, 0.2),
        tune.qloguniform(0.25, 2.0, 0.25),
        tune.choice(["a", 3, None, (1, 2)]),
        tune.choice([16, 32, 64]),
    ],
)
def test_a_domain_has_the_values_that_ray_draws(domain):
    space = OutsideSpace({"x": _parameter(("x",), domain)})
    cells = np.linspace(space.space.lower[0], space.space.upper[0], 2001)
    ours = [space.values(space.space.decode([cell]))["x"] for cell in cells]
    assert {comparable(value) for value in ours} == {
        comparable(domain.cast(value)) for value in domain.sample(size=4000)
    }


def comparable(value):
    """Return a value with its type, without the rounding of Ray's multiples and their -0.0."""
    return type(value).__name__, str(round(value, 9) + 0.0 if isinstance(value, float) else value)


@pytest.mark.parametrize("domain", [tune.uniform(-3.0, 5.0), tune.loguniform(1e-7, 1e3)])
def test_a_continuous_domain_has_ray_s_bounds_and_starts_in_its_middle(domain):
    space = OutsideSpace({"x": _parameter(("x",), domain)}).space
    (dimension,) = space.dimensions
    assert (dimension.least, dimension.greatest) == (domain.lower, domain.upper)
    (start,) = space.default_genome()
    assert start == pytest.approx((space.lower[0] + space.upper[0]) / 2)


def test_numbers_in_order_are_a_choice_with_an_order():
    for values, is_ordered in (([16, 32, 64], True), ([3.0, 1, -2], True), ([1, 3, 2], False), (["a", "b"], False)):
        (dimension,) = OutsideSpace({"x": _parameter(("x",), tune.choice(values))}).space.dimensions
        assert dimension.ordered is is_ordered, values


def test_it_suggests_nested_configurations_with_their_constants():
    configuration = searcher().suggest("one")
    assert configuration["net"]["layers"] == 3
    assert configuration.keys() == SPACE.keys()
    assert configuration["net"].keys() == SPACE["net"].keys()
    domains = {path: each for path, each in _flat(SPACE).items() if path != ("net", "layers")}
    assert all(domain.is_valid(_flat(configuration)[path]) for path, domain in domains.items())


def test_a_generation_waits_for_its_last_trial():
    search = searcher()
    suggested = [search.suggest(str(number)) for number in range(5)]
    assert None not in suggested[:4]
    assert suggested[4] is None
    for number in (2, 0, 3):
        search.on_trial_complete(str(number), {"loss": 1.0})
        assert search.suggest("later") is None
    search.on_trial_complete("1", {"loss": 2.0})
    assert search.suggest("5") is not None


def test_a_search_ends_with_the_defaults_and_the_tuned_hyperparameters():
    search = searcher(fresh_seeds=2)
    configurations = ended(search)
    assert len(configurations) == 4 * 4 + 2 * 2
    for defaults in configurations[-4:-2]:
        assert defaults["lr"] == pytest.approx(1e-3)  # the middle between 1e-6 and 1
        assert defaults["net"] | {"width": 0} == {"width": 0, "dropout": 0.2, "layers": 3}
        assert defaults["net"]["width"] == pytest.approx(math.sqrt(8 * 1023), abs=1)
    assert configurations[-2:] == [search.tuned] * 2
    assert search.suggest("further") == Searcher.FINISHED


def test_it_finds_better_than_the_defaults_and_near_the_optimum():
    search = searcher(generations=7, population=8)
    configurations = ended(search)
    assert loss(search.tuned) < 0.1 < 0.5 < loss(configurations[0])  # the least is 0


@pytest.mark.parametrize("strategy", strategies.names())
def test_every_strategy_searches_and_repeats_itself(strategy):
    space = {"lr": tune.loguniform(1e-6, 1.0), "width": tune.randint(1, 30)}

    def far(config):
        return math.log(config["lr"]) ** 2 + config["width"]

    first = ended(searcher(space, strategy=strategy), far)
    assert first == ended(searcher(space, strategy=strategy), far)
    assert first != ended(searcher(space, strategy=strategy, seed=1), far)


def test_the_greatest_is_the_least_of_the_negative():
    least = ended(searcher())
    greatest = ended(searcher(mode="max"), lambda configuration: -loss(configuration))
    assert least == greatest


@pytest.mark.parametrize(
    ("result", "error"),
    [
        ({"loss": math.nan}, False),
        ({"loss": math.inf}, False),
        ({"loss": -math.inf}, False),
        ({"loss": "text"}, False),
        ({"accuracy": 1.0}, False),
        (None, False),
        (None, True),
    ],
)
def test_a_trial_without_a_number_is_a_failure_and_the_search_goes_on(result, error):
    search, failed = searcher(generations=6), []
    for number in itertools.count():
        configuration = search.suggest(str(number))
        if configuration == Searcher.FINISHED:
            break
        if number % 3 == 1:
            failed.append(configuration)
            search.on_trial_complete(str(number), result, error=error)
        else:
            search.on_trial_complete(str(number), {"loss": loss(configuration)})
    assert number == 6 * 4 + 2
    assert search.tuned not in failed[:8]  # of those in generations


def test_a_generation_that_fails_as_a_whole_is_remarked_on_and_followed():
    search = searcher(strategy="paper", space={"lr": tune.loguniform(1e-6, 1.0)})
    for number in range(4):
        search.suggest(str(number))
        search.on_trial_complete(str(number), error=True)
    assert search.suggest("next") is not None
    assert len(search.remarks) == 1


@pytest.mark.parametrize("stop", [1, 6, 16])
def test_a_saved_search_goes_on_as_if_it_had_not_been_interrupted(stop, tmp_path):
    whole, file = ended(searcher()), str(tmp_path / "state")
    search = searcher()
    before = ended(search, stop=stop)
    search.save(file)
    later = searcher()
    later.restore(file)
    assert before + ended(later) == whole


def test_what_was_running_is_suggested_again_to_a_new_experiment_and_trained_on_by_the_same(tmp_path):
    search = searcher()
    running = [search.suggest(str(number)) for number in range(3)]
    search.on_trial_complete("1", {"loss": 1.0})
    search.save_to_dir(str(tmp_path))

    (file,) = tmp_path.iterdir()
    new = searcher()
    new.restore(str(file))
    assert [new.suggest("a"), new.suggest("b")] == [running[0], running[2]]

    same = searcher()
    same.restore_from_dir(str(tmp_path))
    last = same.suggest("3")
    assert last not in running
    assert same.suggest("4") is None
    for number in (0, 2, 3):
        same.on_trial_complete(str(number), {"loss": 1.0})
    assert same.suggest("4") is not None


def test_a_second_result_of_a_trial_and_one_of_a_stranger_count_for_nothing():
    search = searcher()
    search.suggest("0")
    search.on_trial_complete("0", {"loss": 1.0})
    search.on_trial_complete("0", {"loss": 0.0})
    search.on_trial_complete("stranger", {"loss": 0.0})
    assert [record.fitness for record in search._loop.records.values()] == [1.0]


def of_two(generations, stop=None, search=None):
    """Run a search by loss and width, which fails at times; return it and its configurations."""
    search = search or searcher(
        metric=["loss", "width"], mode=["min", "max"], strategy="nsga2", generations=generations, population=8
    )
    configurations = []
    while len(configurations) != stop:
        configuration = search.suggest(f"trial-{len(configurations)}-{stop}")
        if configuration == Searcher.FINISHED:
            break
        width = math.nan if configuration["act"] is None else configuration["net"]["width"]
        configurations.append(configuration)
        search.on_trial_complete(
            f"trial-{len(configurations) - 1}-{stop}", {"loss": loss(configuration), "width": width}
        )
    return search, configurations


def test_two_metrics_have_a_front_in_the_results_and_a_compromise_in_tuned(tmp_path):
    search, configurations = of_two(15)
    points = [(loss(each), -each["net"]["width"]) for each in configurations if each["act"] is not None]
    tuned = (loss(search.tuned), -search.tuned["net"]["width"])
    assert not any(other != tuned and other[0] <= tuned[0] and other[1] <= tuned[1] for other in points)
    assert search.tuned["act"] is not None

    first, before = of_two(15, stop=50)
    first.save(str(tmp_path / "state"))
    later = searcher(metric=["loss", "width"], mode=["min", "max"], strategy="nsga2", generations=15, population=8)
    later.restore(str(tmp_path / "state"))
    assert before + of_two(15, search=later)[1] == configurations


def test_trials_find_their_budgets_and_seeds_in_their_configuration():
    search = searcher(
        generations=None, population=4, steps=16 * 10, budget=4000, budget_name="epochs", seed_name="seed"
    )
    configurations = ended(search)
    budgets = [configuration["epochs"] for configuration in configurations]
    assert budgets[0] < budgets[-1] == 160
    assert sum(budgets[:-2]) <= 4000
    full = [each["seed"] for each in configurations if each["epochs"] == 160][:-2]
    assert all(0 <= configuration["seed"] < 2**31 for configuration in configurations)
    assert len(set(full[:4])) == 1  # of a generation
    assert configurations[-1]["seed"] == configurations[-2]["seed"] not in full


def test_a_space_of_ours_has_its_defaults_constants_and_conditions():
    space = tuner.space(
        schedule=tuner.choice("cosine", "constant", default="constant"),
        warmup=tuner.linear(0.1, low=0.0, high=0.5, only_when={"schedule": "cosine"}),
        epochs=3,
    )
    configurations = ended(
        searcher(space, population=16), lambda each: 1.0 if each["warmup"] is None else each["warmup"]
    )
    assert configurations[0] == {"schedule": "constant", "warmup": None, "epochs": 3}
    assert {configuration["warmup"] is None for configuration in configurations} == {True, False}


def test_the_param_space_of_a_tuner_is_the_space_and_a_second_one_is_refused_by_ray():
    search = Genetic()
    assert search.set_search_properties("loss", "max", SPACE)
    assert search.suggest("0")["net"]["layers"] == 3
    assert (search.metric, search.mode) == ("loss", "max")
    assert not searcher().set_search_properties("loss", "min", {"x": {"y": tune.uniform(0.0, 1.0)}})
    assert searcher().set_search_properties("loss", "min", {"x": 3})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"space": {"lr": tune.grid_search([1, 2])}}, r"space: lr is uniform, .* Received: grid_search"),
        ({"space": {"net": {"x": tune.randn()}}}, r"space: net/x is uniform, .* Received: Float with Normal"),
        ({"space": {"x": tune.sample_from(lambda: 3)}}, r"space: x is uniform, .* Received: Function"),
        ({"space": {"x": 3}}, r"space: a search space has a parameter with more than one value"),
        ({"space": {"x": tune.choice(list(range(65)))}}, r"space: .*1 to 64 values. Received: 65"),
        (
            {"metric": ["a", "a"], "mode": ["min"] * 2},
            r"metric is a key of what trials report, or two or three different",
        ),
        ({"metric": ["a", "b"]}, r"mode is 'min' or 'max', one for each metric. Received: 'min'"),
        ({"metric": ["a", "b"], "mode": ["min"] * 2}, r"strategy: genetic searches one objective; take nsga2"),
        ({"mode": "least"}, r"mode is 'min' or 'max', .* Received: 'least'"),
        ({"population": 0}, r"population is at least 1. Received: 0"),
        ({"strategy": "genetik"}, r"strategy is one of .*did you mean 'genetic'"),
        ({"strategy": "cma-es"}, r"strategy: cma-es does not search"),
        ({"seed": -1}, r"seed is a whole number from 0. Received: -1"),
        ({"steps": 10}, r"steps needs budget_name"),
        ({"seed_name": "lr"}, r"seed_name is not a key of the search space. Received: 'lr'"),
    ],
)
def test_what_is_not_accepted_is_named_in_one_line(arguments, message):
    with pytest.raises(InvalidRequest, match=message) as raised:
        searcher(**arguments)
    assert "\n" not in str(raised.value)


def test_a_search_without_a_space_or_a_metric_says_what_is_missing():
    with pytest.raises(InvalidRequest, match="space is missing: pass it to Genetic"):
        Genetic().suggest("0")
    with pytest.raises(InvalidRequest, match="metric and mode are missing: pass both to Genetic"):
        Genetic(SPACE).suggest("0")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": 2}', '{"format": 1, "search": {}, "candidates": [3]}'])
def test_a_file_that_is_no_saved_search_is_refused(content, tmp_path):
    (tmp_path / "state").write_text(content, encoding="utf-8")
    with pytest.raises(InvalidRequest, match="is not a search that was saved"):
        searcher().restore(str(tmp_path / "state"))


def test_a_saved_search_is_not_restored_into_another(tmp_path):
    search = searcher()
    search.suggest("0")
    search.save(str(tmp_path / "state"))
    with pytest.raises(InvalidRequest, match="another population, seed"):
        searcher(seed=3, population=5).restore(str(tmp_path / "state"))


def test_the_saved_file_is_plain_json(tmp_path):
    search = searcher()
    search.suggest("0")
    search.on_trial_complete("0", {"loss": math.nan})
    search.save(str(tmp_path / "state"))
    state = json.loads((tmp_path / "state").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert [each["status"] for each in state["candidates"]] == ["diverged"]


def trainable(config):
    tune.report({"loss": loss(config)})


class Cut(Exception):  # noqa: N818
    """The end of an experiment before its time."""


class Cutting(tune.Callback):
    """Ends the experiment, once, after six trials."""

    def __init__(self, mark):
        self.mark = mark

    def on_step_end(self, iteration, trials, **info):
        if sum(each.is_finished() for each in trials) >= 6 and not self.mark.exists():
            self.mark.touch()
            raise Cut


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.faults
def test_an_experiment_of_ray_tune_that_was_interrupted_trains_the_same_trials(tmp_path):
    search = Genetic(generations=2, population=4)
    with local_session(workers=2):
        cut = tune.Tuner(
            trainable,
            param_space=SPACE,
            tune_config=tune.TuneConfig(metric="loss", mode="min", search_alg=search, num_samples=-1),
            run_config=tune.RunConfig(
                storage_path=str(tmp_path), name="cut", verbose=0, callbacks=[Cutting(tmp_path / "mark")]
            ),
        )
        with pytest.raises(Cut):
            cut.fit()
        results = tune.Tuner.restore(str(tmp_path / "cut"), trainable, param_space=SPACE).fit()
    assert not results.errors
    trained = sorted(json.dumps(result.config, sort_keys=True) for result in results)
    by_hand = ended(searcher(generations=2))
    assert trained == sorted(json.dumps(configuration, sort_keys=True) for configuration in by_hand)
