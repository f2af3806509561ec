"""`lodo-tune compare`: whole comparisons by the command line, on Ray, and what is refused."""

import json
import re
import signal
import time
from dataclasses import replace

import numpy as np
import pytest

from tests.support.command_line import call, run, start
from tests.support.store_values import candidate, driven, evaluation, key
from tuner.core.errors import InvalidRequest
from tuner.core.study import StudyStatus
from tuner.core.trial import Role, Workload
from tuner.execution.in_process import InProcessExecutor
from tuner.storage import Store
from tuner.studies.callbacks import NoCallback
from tuner.studies.comparison_planner import CompareRequest, plan_comparison
from tuner.studies.driver import run_study
from tuner.studies.sweeps import SWEEPS

BOWL = ("compare", "--task", "noisy-quadratic-bowl", "--defaults", "--no-dashboard")


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A comparison of two optimizers on the bowl that nothing disturbs: its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("compared")
    two = ("--optimizers", "Adam,L-BFGS", "--steps", 600, "--seeds", 4, "--name", "contest")
    return folder, run(*BOWL, *two, "--output", "results", folder=folder)


def runs(folder, name):
    """All that a study of a comparison found, bit for bit; what a clock says aside."""
    with Store.open(str(folder / "lodo-tune.db"), read_only=True) as store:
        (study,) = store.find(name)
        return study.status, [
            (one.candidate.key, one.candidate.seed, one.candidate.status, one.candidate.fitness, one.losses.tobytes())
            for one in store.seed_runs(study.id, curves=True)
        ]


def test_a_comparison_prints_its_table_with_floors_and_says_on_the_way_how_it_goes(compared):
    _, outcome = compared
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("contest: noisy-quadratic-bowl, 600 gradient evaluations, 4 seeds each\n")
    rows = {line.split()[0]: line for line in outcome.out.splitlines() if line.startswith(("Adam ", "L-BFGS "))}
    assert " 7.412 " in outcome.out.split("Hyperparameters")[0]
    assert " 3.706 " in outcome.out.split("Hyperparameters")[0]
    assert set(rows) == {"Adam", "L-BFGS"}
    assert "seeds 0 to 3; hyperparameters the defaults; python" in " ".join(outcome.out.split())
    assert "contest/Adam  all seeds (600 evaluations each): 4/4 done (100%)" in outcome.err


def test_its_runs_are_those_of_train_with_the_same_seeds_loss_by_loss(compared):
    folder, _ = compared
    train = ("train", "--task", "noisy-quadratic-bowl", "--optimizer", "Adam", "--steps", 600, "--seeds", 4)
    found = json.loads(run(*train, "--curve", "--json", folder=folder).out)["runs"]
    with Store.open(str(folder / "lodo-tune.db"), read_only=True) as store:
        stored = store.seed_runs(store.find("contest/Adam")[0].id, curves=True)
    for one, other in zip(stored, found, strict=True):
        assert one.candidate.seed == other["seed"]
        assert one.candidate.fitness == other["fitness"]
        assert one.losses.tolist() == other["losses"]


def test_its_table_comes_again_in_every_format_and_lies_in_the_folder(compared):
    folder, outcome = compared
    assert call("table", "contest", "--database", folder / "lodo-tune.db").out == outcome.out
    for format, ending in (("markdown", "md"), ("latex", "tex"), ("csv", "csv"), ("json", "json"), ("text", "txt")):
        printed = call("table", "contest", "--format", format, "--database", folder / "lodo-tune.db").out
        assert (folder / "results" / f"table.{ending}").read_text() == printed
    (comparison,) = json.loads((folder / "results" / "table.json").read_text())["comparisons"]
    adam, lbfgs = comparison["contenders"]
    assert (adam["runs"]["finished"], adam["runs"]["total"]) == (4, 4)
    assert adam["by_time"] is None  # not measured, and so not there
    assert adam["evaluations_per_second"]["training"] is None
    fitnesses = [row[3] for row in runs(folder, "contest/Adam")[1]]
    assert adam["by_steps"]["loss"]["mean"] == pytest.approx(np.mean(fitnesses), rel=1e-14)
    assert adam["by_steps"]["loss"]["spread"] == pytest.approx(np.std(fitnesses), rel=1e-12)
    assert {adam["by_steps"]["standing"], lbfgs["by_steps"]["standing"]} == {"best", "worse"}


def test_verbs_that_show_read_a_comparison_and_those_of_a_search_refuse_it(compared):
    folder, _ = compared
    database = ("--database", folder / "lodo-tune.db")
    assert "contest/L-BFGS" in call("studies", *database).out
    shown = call("show", "contest/Adam", *database)
    assert shown.code == 0, shown.err
    assert "4 of 4 runs done" in shown.out
    assert json.loads(call("show", "contest/Adam", "--json", *database).out)["seed_runs"][3]["seed"] == 3
    assert call("watch", "contest", *database).out.endswith("contest/L-BFGS  complete\n")
    assert call("database", "check", *database).out.endswith("sound\n")
    exported = call("export", "contest/Adam", *database)
    assert (exported.code, exported.err) == (
        2,
        "lodo-tune: STUDY: contest/Adam is a comparison, with hyperparameters the defaults\n",
    )
    again = call("compare", "--task", "noisy-quadratic-bowl", "--from", "contest", *database)
    assert (again.code, again.err) == (2, "lodo-tune: --from takes a search; contest is a comparison itself\n")


@pytest.mark.slow  # drivers are killed by tests of their own, too
@pytest.mark.faults
def test_a_comparison_that_was_killed_goes_on_to_the_same_table_bit_for_bit(tmp_path):
    """Networks are runs alone, so that some are done and some are not when the driver is killed."""
    (tmp_path / "slow.py").write_text(SLOW)
    wanted = (
        "compare", "--task", "slow.py:Slow", "--defaults", "--optimizers", "Adam,Momentum", "--steps", 40, "--seeds", 6,
        "--name", "contest", "--no-dashboard",
    )  # fmt: skip
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "slow.py").write_text(SLOW)
    whole = run(*wanted, folder=tmp_path / "whole")
    assert whole.code == 0, whole.err

    def done():
        if not (tmp_path / "lodo-tune.db").exists():
            return 0
        with Store.open(str(tmp_path / "lodo-tune.db"), read_only=True) as store:
            return sum(run.candidate.status.is_final for study in store.studies() for run in store.seed_runs(study.id))

    driver = start(*wanted, folder=tmp_path)
    while done() < 2:
        assert driver.poll() is None, driver.communicate()[1]
        time.sleep(0.02)
    driver.send_signal(signal.SIGKILL)
    driver.communicate(timeout=300)
    assert 2 <= done() < 12
    resumed = run("resume", "contest", "--no-dashboard", folder=tmp_path)
    assert resumed.code == 0, resumed.err
    for name in ("contest/Adam", "contest/Momentum"):
        assert runs(tmp_path, name) == runs(tmp_path / "whole", name)

    def without_seconds(text):
        before, _, after = text.partition("Gradient evaluations per second")
        return before, after.partition("Hyperparameters")[2]

    assert without_seconds(resumed.out) == without_seconds(whole.out)


SLOW = '''
import tensorflow as tf

from tests.regression import Line


class Slow(Line):
    """Takes its time, a step at a time."""

    jit_compile = False

    def advance(self, state, seeds, t):
        with tf.control_dependencies([tf.py_function(self.wait, [], [])]):
            return super().advance(state, seeds, t)

    def wait(self):
        import time

        time.sleep(0.01)
'''


# What is planned, without anything that trains


@pytest.fixture
def database(tmp_path):
    """A database with three searches on Rosenbrock, of which the last is not complete."""
    url = str(tmp_path / "studies.db")
    for name, status in (("older", True), ("newer", True), ("newest", False)):
        for optimizer, values in (("Adam", ADAM), ("LODO", LODO)):
            with Store.open(url) as store:
                space = {
                    "optimizer": optimizer,
                    "hyperparameters": {n: {"scale": "log", "default": 1.0} for n in values},
                }
                study, epoch = driven(
                    store, name, generations=1, population=1, space=space, fresh_seeds=0,
                    workload=Workload("rosenbrock", optimizer, 16, precision="float32"),
                )  # fmt: skip
                complete(store, study, epoch, values, status or optimizer == "Adam")
    return url


ADAM = {"learning_rate": 0.5, "beta_1": 0.75, "beta_2": 0.99}
LODO = {"initial_learning_rate": 0.25, "meta_learning_rate": 0.002, "momentum": 0.8}


def complete(store, study, epoch, values, finish):
    store.add(study, epoch, [candidate(key())])
    if finish:
        store.record(study, epoch, [evaluation(key())])
        store.finish(study, epoch, tuned=values, tuned_genome=[0.0])
        store.release(study, epoch, StudyStatus.COMPLETE)
    else:
        store.release(study, epoch, StudyStatus.INTERRUPTED)


def planned(database, **request):
    found = plan_comparison(CompareRequest(task="rosenbrock", **request), database)
    return {spec.workload.optimizer: spec for spec in found.specs}, found.base


def points(spec):
    return [dict(point.hyperparameters) for point in spec.points]


def test_the_newest_complete_search_of_the_task_says_what_is_compared(database):
    specs, base = planned(database)
    assert base == "newer-comparison"
    assert {name: points(spec) for name, spec in specs.items()} == {"Adam": [ADAM], "LODO": [LODO]}
    adam = specs["Adam"]
    assert (adam.steps, adam.seeds, adam.workload.cohort_size) == (200, 8, 8)  # Rosenbrock's preset
    assert adam.workload.precision == "float32"  # the search's
    assert adam.source == "tuned by newer at 200 evaluations"
    assert planned(database, optimizers=("Adam",))[1] == "newest-comparison"  # that study of it is complete


def test_an_incomplete_study_is_refused_by_name(database):
    with pytest.raises(
        InvalidRequest,
        match=r"^search: not complete: newest/LODO \(interrupted\); resume newest, or leave",
    ):
        planned(database, search="newest")


def test_learning_rates_are_halved_lodo_s_both_and_nothing_else(database):
    specs, _ = planned(database, halve_learning_rate=True)
    assert points(specs["Adam"]) == [ADAM | {"learning_rate": 0.25}]
    assert points(specs["LODO"]) == [LODO | {"initial_learning_rate": 0.125, "meta_learning_rate": 0.001}]
    assert specs["LODO"].source == "tuned by newer at 200 evaluations, learning rates halved"


def test_a_budget_of_seconds_makes_every_run_a_cohort_of_its_own(database):
    specs, _ = planned(database, seconds=1.5, seeds=5)
    assert {spec.workload.cohort_size for spec in specs.values()} == {1}
    assert {spec.workload_of(0).measurement.seconds for spec in specs.values()} == {1.5}


@pytest.mark.parametrize("format", ["json", "yaml"])
def test_an_exported_configuration_is_compared_as_it_was_exported(database, tmp_path, format):
    file = tmp_path / f"adam.{format}"
    assert call("export", "older/Adam", "--format", format, "--output", file, "--database", database).code == 0
    specs, base = planned("nowhere.db", configs=(file,))
    assert (base, points(specs["Adam"])) == ("rosenbrock-comparison", [ADAM])
    assert f"adam.{format} (sha256 " in specs["Adam"].source
    both, _ = planned(database, configs=(file,), optimizers=("LODO", "Adam"))
    assert [both[name].source.partition(" (")[0] for name in both] == [
        "tuned by newer at 200 evaluations",
        f"adam.{format}",
    ]
    with pytest.raises(InvalidRequest, match="it is for Adam, which is not compared here \\(LODO\\)"):
        planned(database, configs=(file,), optimizers=("LODO",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"optimizer": "Adam"}', "with the keys optimizer and hyperparameters. Received: optimizer"),
        ('{"optimizer": "Adem", "hyperparameters": {}}', "Did you mean 'Adam'"),
        ('{"optimizer": "Adam", "hyperparameters": {"learning_rate": NaN}}', "learning_rate is a finite number"),
        ('{"optimizer": "Adam", "hyperparameters": {"learning_rate": 1}}', "Adam needs a value for beta_1, beta_2"),
        ('{"optimizer": "Adam", "hyperparameters": [1]}', "hyperparameters map names to numbers"),
        ("optimizer: !!python/object:os.system Adam", "line 1: "),
        ("[]", "takes an export as JSON or YAML"),
        ("", "the file must have content"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_in_one_line(tmp_path, text, message):
    file = tmp_path / "odd.json"
    file.write_text(text)
    outcome = call("compare", "--task", "rosenbrock", "--config", file, "--database", tmp_path / "none.db")
    assert outcome.code == 2
    assert message in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "nothing is tuned yet: there is no database"),
        (["--defaults", "--from", "x"], "--defaults and --from exclude each other"),
        (["--defaults", "--sweep", "width"], "--sweep is one of momentum, depth, block-size"),
        (["--defaults", "--sweep", "depth", "--optimizers", "Adam"], "--sweep is of LODO alone"),
        (["--defaults", "--optimizers", "Adem"], "--optimizers: Unknown optimizer. Did you mean 'Adam'"),
        (["--defaults", "--seeds", 0], "--seeds is at least 1. Received: 0"),
        (["--defaults", "--time", "nan"], "--time is a positive number of seconds. Received: nan"),
        (["--defaults", "--time", 9, "--timeout", 9], "--timeout is longer than --time"),
        (["--defaults", "--validate-every", 9], "--validate-every: rosenbrock has no validation set"),
        (["--defaults", "--output", "."], "is not empty; name another folder"),
        (["--defaults", "--name", "../x"], "a run's name is"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_nothing_is_made(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").touch()
    outcome = call("compare", "--task", "rosenbrock", *options)
    assert outcome.code == 2
    assert message in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_of_a_database_where_another_task_was_tuned_nothing_is_taken(database):
    outcome = call("compare", "--task", "noisy-quadratic-bowl", "--database", database)
    assert (outcome.code, "nothing is tuned on noisy-quadratic-bowl in" in outcome.err) == (2, True)


# Sweeps


def test_the_sweeps_have_the_paper_s_values():
    beta = 0.8
    momenta = [point.hyperparameters["momentum"] for point in SWEEPS["momentum"](LODO)]
    assert momenta == pytest.approx([1 - (1 - beta) ** (j / 7) for j in range(8)])
    assert (momenta[0], momenta[-1]) == (0.0, beta)
    assert [point.value for point in SWEEPS["depth"](LODO)] == [0, 4, 8, 12, 16, 20, 24, 28]
    sizes = [dict(point.settings) for point in SWEEPS["block-size"](LODO)]
    assert [size["block_size"] for size in sizes] == list(range(2, 10))
    assert [size["depth"] for size in sizes] == [64 // k for k in range(2, 10)]
    for sweep in SWEEPS.values():
        for point in sweep(LODO)[1:]:
            assert {**point.hyperparameters, "momentum": beta} == LODO


def test_without_a_layer_lodo_is_momentum_with_the_rate_that_the_sweep_gives_it():
    """LODO's preconditioner that never learns is α_0 I, whatever its depth, up to rounding."""

    def losses(optimizer, values):
        given = [part for name, value in values.items() for part in ("--set", f"{name}={value!r}")]
        outcome = call(
            "train", "--task", "rosenbrock", "--optimizer", optimizer, *given, "--steps", 50, "--curve", "--json"
        )
        return json.loads(outcome.out)["runs"][0]["losses"]

    frozen = {**LODO, "meta_learning_rate": 1e-300}
    point = SWEEPS["depth"](LODO)[0]
    assert point.optimizer == "Momentum"
    assert losses("Momentum", point.hyperparameters) == pytest.approx(losses("LODO-Global", frozen), rel=1e-9)


def test_a_sweep_is_one_study_with_a_point_a_generation_of_which_each_trains_what_it_says(database, tmp_path):
    specs, base = planned(database, sweep="depth", seeds=2, steps=20)
    assert base == "newer-sweep-depth"
    spec = specs["LODO"]
    assert (len(spec.points), spec.seeds, spec.steps) == (8, 2, 20)
    assert (spec.workload_of(0).optimizer, spec.workload_of(0).settings) == ("Momentum", {})
    assert (spec.workload_of(3).optimizer, spec.workload_of(3).settings) == ("LODO", {"depth": 12})
    with Store.open(str(tmp_path / "sweep.db")) as store:
        study = store.create_study(shallow(spec))
        run_study(store, study, InProcessExecutor(), NoCallback(), owner="here:1")
        found = store.seed_runs(study.id)
        assert [one.candidate.key for one in found] == [
            key(slot, n, Role.COMPARISON) for n in range(2) for slot in (0, 1)
        ]
        assert found[0].candidate.fitness == found[1].candidate.fitness  # no chance in Momentum
        assert found[2].candidate.fitness != found[3].candidate.fitness  # the network's start is the seed's
    outcome = call("table", "newer-sweep-depth", "--database", tmp_path / "sweep.db")
    assert outcome.out.startswith("newer-sweep-depth: LODO's depth, rosenbrock, 20 gradient evaluations, 2 seeds each")
    assert re.search(r"^0 +learning_rate +0\.05$", outcome.out, re.MULTILINE)  # 0.25 · (1 - 0.8)


def shallow(spec):
    """The first two points of a sweep: the others only take longer to compile."""
    return replace(spec, run="newer-sweep-depth", points=spec.points[:2])
