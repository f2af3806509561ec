"""Optimizers of users' own on the command line: searched, resumed, compared, exported; and what is wrong with them."""

import json
import sqlite3

import keras
import pytest

from tests.support.command_line import call, run
from tests.support.in_process import without_ray
from tuner.cli.repeat_command import repeat_command
from tuner.storage import Store

MINE = """
import keras
import tensorflow as tf
from lodo.optimizer import GradientOptimizer


class SignM(GradientOptimizer):
    search_space = {"learning_rate": {"scale": "log", "default": 0.01}, "momentum": {"scale": "decay", "default": 0.9}}

    def begin(self, x, hyperparameters, seeds):
        return tf.zeros_like(x)

    def update(self, gradient, x, state, hyperparameters, t):
        average = state + (gradient - state) * (1 - hyperparameters["momentum"])
        return x - hyperparameters["learning_rate"] * tf.sign(average), average


def init(x):
    return tf.zeros_like(x)


def update(gradient, state, x, hyperparameters):
    average = state + (gradient - state) * (1 - hyperparameters["momentum"])
    return -hyperparameters["learning_rate"] * tf.sign(average), average


pair = init, update


@keras.saving.register_keras_serializable("mine")
class KerasSign(keras.optimizers.Optimizer):
    def __init__(self, learning_rate=0.01, momentum=0.9, name="sign", **arguments):
        super().__init__(learning_rate=learning_rate, name=name, **arguments)
        self.momentum = momentum

    def build(self, variables):
        super().build(variables)
        self.averages = self.add_optimizer_variables(variables, "average")

    def update_step(self, gradient, variable, learning_rate):
        average = self.averages[self._get_variable_index(variable)]
        average.assign(average + (gradient - average) * (1 - self.momentum))
        variable.assign_sub(keras.ops.cast(learning_rate, variable.dtype) * keras.ops.sign(average))
"""
SPACE = """
optimizer: Pair
hyperparameters:
  learning_rate: {scale: log, default: 0.01}
  momentum: {scale: decay, default: 0.9}
"""
SMALL = ("--generations", 2, "--population", 4, "--steps", 30, "--sigma", 1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a module of optimizers, which is the working directory."""
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "pair.yaml").write_text(SPACE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def search(*arguments, name="valley"):
    """Run a small search in this process."""
    with without_ray():
        return call("--task", "rosenbrock", *SMALL, "--name", name, "--no-dashboard", *arguments)


def studies(folder):
    with Store.open(str(folder / "lodo-tune.db"), read_only=True) as store:
        return {study.spec.workload.optimizer: study for study in store.studies()}


def rows(folder, name):
    """Return what each candidate of a run was and came to."""
    with Store.open(str(folder / "lodo-tune.db"), read_only=True) as store:
        return [
            (study.spec.workload.optimizer, each.key, each.genome, each.hyperparameters, each.seed, each.fitness)
            for study in store.find(name)
            for each in store.candidates(study.id)
        ]


def test_the_three_forms_of_one_rule_are_tuned_to_the_same_point(folder):
    outcome = search("--optimizers", "mine.py:SignM,Pair=mine.py:pair,mine.py:KerasSign", "--seed", 3)
    assert outcome.code == 0, outcome.err
    by_name = studies(folder)
    assert list(by_name) == ["SignM", "Pair", "KerasSign"]
    one = by_name["SignM"]
    assert one.spec.workload.optimizer_place == f"{folder}/mine.py:SignM"
    assert dict(one.tuned).keys() == {"learning_rate", "momentum"}
    # A study's seed for draws depends on the optimizer's name, so that the points differ; their rules do not.
    losses = [
        json.loads(call("train", "--task", "rosenbrock", "--optimizer", name, "--steps", 9, "--json", "--curve").out)
        for name in ("mine.py:SignM", "Pair=mine.py:pair", "mine.py:KerasSign")
    ]
    curves = [each["runs"][0]["losses"] for each in losses]
    assert curves[0] == pytest.approx(curves[1], rel=1e-12)
    assert curves[0] == pytest.approx(curves[2], rel=1e-6)  # Keras keeps the learning rate in float32


def test_a_derived_space_is_shown_before_the_search(folder):
    outcome = search("--optimizers", "mine.py:KerasSign")
    before, _, _ = outcome.err.partition("generation 0")
    assert (
        "KerasSign has no search space of its own; derived from its constructor: learning_rate log from 0.01" in before
    )


def test_a_file_alone_gives_a_space_and_what_it_leaves_out_stays_at_its_default(folder):
    (folder / "space.yaml").write_text("optimizer: S2\nhyperparameters:\n  learning_rate: {scale: log, default: 0.1}\n")
    outcome = search("--optimizers", "S2=mine.py:SignM", "--search-space", "space.yaml")
    assert outcome.code == 0, outcome.err
    study = studies(folder)["S2"]
    assert list(study.spec.space["hyperparameters"]) == ["learning_rate"]
    assert study.spec.space["fixed"] == {"momentum": 0.9}
    assert study.tuned["momentum"] == 0.9


def test_a_file_for_one_of_ours_may_leave_hyperparameters_at_their_defaults(folder):
    (folder / "space.yaml").write_text("optimizer: Adam\nhyperparameters:\n  beta_1: {scale: decay, default: 0.8}\n")
    outcome = search("--optimizers", "Adam", "--search-space", "space.yaml")
    assert outcome.code == 0, outcome.err
    tuned = dict(studies(folder)["Adam"].tuned)
    assert tuned.pop("beta_1") != 0.8
    assert tuned == {"learning_rate": 0.001, "beta_2": 0.999}  # those of search_spaces/adam.yaml


def test_a_comparison_finds_the_optimizer_of_the_search_by_its_name_and_that_of_a_file(folder):
    assert search("--optimizers", "mine.py:SignM,Momentum", "--output", "results").code == 0
    exported = json.loads((folder / "results" / "SignM.json").read_text())
    assert exported["place"] == f"{folder}/mine.py:SignM"
    compare = ("compare", "--task", "rosenbrock", "--steps", 20, "--seeds", 2, "--no-dashboard", "--json")
    with without_ray():
        by_name = call(*compare, "--optimizers", "SignM", "--from", "valley", "--name", "a")
        by_file = call(*compare, "--config", "results/SignM.json", "--name", "b")
        at_defaults = call(*compare, "--optimizers", "mine.py:SignM", "--defaults", "--name", "c")
        moved = call(*compare, "--optimizers", "SignM=mine.py:pair", "--from", "valley", "--name", "d")
    assert [outcome.code for outcome in (by_name, by_file, at_defaults)] == [0, 0, 0], by_name.err + by_file.err
    first, second = (json.loads(outcome.out)["comparisons"][0]["contenders"][0] for outcome in (by_name, by_file))
    assert first["hyperparameters"] == second["hyperparameters"] == exported["hyperparameters"]
    assert moved.code == 2
    assert f"valley has tuned SignM={folder}/mine.py:SignM; name it so" in moved.err


def test_keras_makes_the_tuned_optimizer_of_a_registered_class(folder):
    assert search("--optimizers", "mine.py:KerasSign").code == 0
    outcome = call("export", "valley/KerasSign", "--format", "keras")
    assert outcome.code == 0, outcome.err
    made = keras.optimizers.deserialize(json.loads(outcome.out))  # the class is registered: its module is imported
    assert type(made).__name__ == "KerasSign"
    assert made.momentum == studies(folder)["KerasSign"].tuned["momentum"]
    assert search("--optimizers", "mine.py:SignM", name="other").code == 0
    refused = call("export", "other/SignM", "--format", "keras")
    assert "the format 'keras' has no SignM" in refused.err


def test_the_command_that_repeats_a_run_names_the_file(folder):
    assert search("--optimizers", "S2=mine.py:SignM").code == 0
    command = repeat_command([study.spec for study in studies(folder).values()])
    assert f"--optimizers S2={folder}/mine.py:SignM " in command


BAD = """
import keras
import tensorflow as tf
from lodo.optimizer import GradientOptimizer


class Neither:
    pass


class Adam(GradientOptimizer):
    hyperparameters = ("learning_rate",)
    search_space = {"learning_rate": {"scale": "log", "default": 0.1}}

    def update(self, gradient, x, state, hyperparameters, t):
        return x - hyperparameters["learning_rate"] * gradient, state


class NoDefault(Adam):
    def __init__(self, learning_rate):
        super().__init__()


class KerasNoDefault(keras.optimizers.Optimizer):
    def __init__(self, learning_rate):
        super().__init__(learning_rate)


class OtherNames(Adam):
    search_space = {"learning_rat": {"scale": "log", "default": 0.1}}


class OtherScale(Adam):
    search_space = {"learning_rate": {"scale": "square"}}


class NoSpace(GradientOptimizer):
    hyperparameters = ("gain",)


class If(Adam):
    def update(self, gradient, x, state, hyperparameters, t):
        if hyperparameters["learning_rate"] > 0.5:  # If
            return x, state
        return x - gradient, state


class KerasIf(keras.optimizers.Optimizer):
    def __init__(self, learning_rate=0.1, momentum=0.9):
        super().__init__(learning_rate)
        self.momentum = momentum

    def update_step(self, gradient, variable, learning_rate):
        if self.momentum > 0.5:  # KerasIf
            variable.assign_sub(learning_rate * gradient)


class NumPy(Adam):
    def update(self, gradient, x, state, hyperparameters, t):
        return x - hyperparameters["learning_rate"] * gradient.numpy(), state  # NumPy


class NotANumber(Adam):
    def update(self, gradient, x, state, hyperparameters, t):
        return x + (x - x) / (x - x), state


class Growing(Adam):
    def begin(self, x, hyperparameters, seeds):
        return x[tf.newaxis]

    def update(self, gradient, x, state, hyperparameters, t):
        return x, tf.concat([state, x[tf.newaxis]], axis=0)


class Variable(Adam):
    def begin(self, x, hyperparameters, seeds):
        return tf.Variable(tf.zeros_like(x))  # Variable


class NoStart(Adam):
    def begin(self, x, hyperparameters, seeds):
        tf.zeros_like(x)


class NoReturn(Adam):
    def update(self, gradient, x, state, hyperparameters, t):
        x - hyperparameters["learning_rate"] * gradient, state


class OneValue(Adam):
    def update(self, gradient, x, state, hyperparameters, t):
        return x - hyperparameters["learning_rate"] * gradient


class NoStep:
    hyperparameters = ("learning_rate",)
    search_space = Adam.search_space

    def initial_state(self, x, hyperparameters, seeds):
        return ()

    def step(self, loss_and_gradient, x, state, hyperparameters, t, horizon):
        loss_and_gradient(x)


class Functions:
    search_space = Adam.search_space

    def __init__(self, init, update):
        self.init, self.update = init, update


PairVariable = Functions(lambda x: tf.Variable(x), lambda gradient, state, x, values: (gradient, state))  # PairVariable
PairNoStart = Functions(lambda x: None, lambda gradient, state, x, values: (gradient, state))
PairNoReturn = Functions(lambda x: (), lambda gradient, state, x, values: None)
PairOneValue = Functions(lambda x: (), lambda gradient, state, x, values: gradient)
instance = OtherScale()
"""
RESOLVED = {
    "Neither": "bad.py:Neither is not an optimizer; an optimizer is a subclass of lodo.optimizer.GradientOptimizer, ",
    "instance": "; give the class OtherScale, not an instance of it",
    "NoDefault": "bad.py:NoDefault: its constructor must have a default for every argument, and has none for learning_",
    "KerasNoDefault": "its constructor must have a default for every argument, and has none for learning_rate",
    "Adam": "bad.py:Adam would be called Adam, as one of lodo-tune's optimizers is: give it another name",
    "OtherNames": "`search_space` of bad.py:OtherNames: OtherNames has no tunable hyperparameter of this name"
    " (did you mean 'learning_rate'?). Accepted: learning_rate, warmup_ratio, cosine_final, linear_final, ",
    "OtherScale": "bad.py:OtherScale: `search_space`: learning_rate needs a default, because the constructor has none",
    "NoSpace": "NoSpace has none: give the class `search_space = {...}`, a file nospace.yaml beside it, or a file here",
    "If": "If: step fails: bad.py, line LINE: hyperparameters and the step number are tensors: choose by tf.where,"
    " not by Python's `if`",
    "KerasIf": "bad.py:KerasIf fails: bad.py, line LINE: hyperparameters and the step number are tensors",
    "NumPy": "NumPy: step fails: bad.py, line LINE: a step is traced once and compiled: compute by TensorFlow",
    "NotANumber": "NotANumber: x is finite after the first step from a finite gradient, with the default"
    " hyperparameters. Received: nan, 16 of 16 numbers are not finite",
    "Growing": "Growing: a step returns tensor 0 of the state in the form that initial_state returns, float64"
    " [1, 8, 2]; a state does not grow. Received: float64 [2, 8, 2]",
    "Variable": "Variable: initial_state fails: bad.py, line LINE: Variable.begin creates a tf.Variable: a state"
    " consists of tensors, such as tf.zeros_like(x)",
    "NoStart": "NoStart.begin returns the state, () if there is none. Received: None, as without a `return`",
    "NoReturn": "NoReturn.update returns the pair (x, state). Received: None, as without a `return`",
    "OneValue": "OneValue.update returns the pair (x, state). Received: a tensor",
    "NoStep": "NoStep: step returns the tuple (x, state, losses). Received: None, as without a `return`",
    "PairVariable": "PairVariable: initial_state fails: bad.py, line LINE: <lambda> creates a tf.Variable: a state",
    "PairNoStart": "`init` of PairNoStart returns the state, () if there is none. Received: None, as without a",
    "PairNoReturn": "`update` of PairNoReturn returns the pair (step, state). Received: None, as without a `return`",
    "PairOneValue": "`update` of PairOneValue returns the pair (step, state). Received: a tensor",
    "Missing": "bad.py has no class 'Missing'. It has GradientOptimizer, Neither, Adam",
}


@pytest.mark.parametrize("name", RESOLVED)
def test_what_is_wrong_with_an_optimizer_is_one_line_with_the_way_out(tmp_path, monkeypatch, name):
    (tmp_path / "bad.py").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    with without_ray():
        outcome = call("--task", "rosenbrock", "--preset", "quick", "--optimizers", f"bad.py:{name}", "--no-dashboard")
    assert outcome.code == 2
    line = next((at for at, text in enumerate(BAD.splitlines(), 1) if text.endswith(f"  # {name}")), 0)
    assert RESOLVED[name].replace("LINE", str(line)) in outcome.err.splitlines()[-1]
    assert not (tmp_path / "lodo-tune.db").exists()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            "my_sign=mine.py:SignM",
            "an optimizer's name is 1 to 64 letters, digits, '.' or '-' and begins with a letter",
        ),
        ("lodo=mine.py:SignM", "mine.py:SignM would be called lodo, as one of lodo-tune's optimizers is"),
        ("Mine=Adam", "a name is given to an optimizer of your own; Adam keeps its own. Received: 'Mine=Adam'"),
        ("mine.py:SignM,SignM=mine.py:pair", "two optimizers have the name SignM: "),
        ("Adam,mine.py:SignM,Adam", "names Adam twice; it is tuned once"),
        ("nothing.py:SignM", "There is no file "),
        ("Adma", "Unknown optimizer. Did you mean 'Adam'? "),
    ],
)
def test_names_that_cannot_be_used_are_refused(folder, names, message):
    outcome = search("--optimizers", names)
    assert outcome.code == 2
    assert message in outcome.err


def test_an_optimizer_of_an_installed_package_is_chosen_by_its_name(folder, monkeypatch):
    from importlib.metadata import EntryPoint

    offered = EntryPoint("sign-m", "mine:SignM", "lodo_tune.optimizers")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [offered])
    assert search("--optimizers", "sign-m").code == 0
    assert studies(folder)["sign-m"].spec.workload.optimizer_place == "mine:SignM"


@pytest.mark.ray
def test_workers_on_ray_import_the_file_and_give_the_rows_of_one_process(folder):
    assert search("--optimizers", "mine.py:SignM,Pair=mine.py:pair", name="here").code == 0
    command = ("--task", "rosenbrock", *SMALL, "--no-dashboard", "--optimizers", "mine.py:SignM,Pair=mine.py:pair")
    outcome = run(*command, "--name", "there", "--workers", 2, folder=folder)
    assert outcome.code == 0, outcome.err
    assert rows(folder, "there") == rows(folder, "here")


def cut_after_the_first_generation(folder):
    """Leave of the run "cut" what a driver leaves that is killed after the first generation."""
    with sqlite3.connect(folder / "lodo-tune.db") as connection:
        (study,) = connection.execute("select id from studies where run = 'cut'").fetchone()
        later = "select id from candidates where study_id = ? and (generation > 0 or role != 'search')"
        for table in ("evaluations", "curves", "attempts", "observations"):
            connection.execute(f"delete from {table} where candidate_id in ({later})", [study])
        connection.execute(
            "delete from candidates where study_id = ? and (generation > 0 or role != 'search')", [study]
        )
        connection.execute(
            "update studies set status = 'interrupted', tuned = null, tuned_genome = null, finished_at = null"
            " where id = ?",
            [study],
        )


@pytest.mark.ray
def test_a_run_whose_driver_was_killed_is_resumed_with_the_optimizer_of_its_file(folder):
    assert search("--optimizers", "mine.py:SignM", name="whole").code == 0
    assert search("--optimizers", "mine.py:SignM", name="cut").code == 0
    cut_after_the_first_generation(folder)
    outcome = run("resume", "cut", "--no-dashboard", folder=folder)
    assert outcome.code == 0, outcome.err
    assert rows(folder, "cut") == rows(folder, "whole")


def test_a_run_is_not_resumed_with_an_optimizer_whose_code_has_changed(folder):
    assert search("--optimizers", "mine.py:SignM", name="cut").code == 0
    cut_after_the_first_generation(folder)
    (folder / "mine.py").write_text(MINE.replace("* tf.sign(average), average", "* tf.tanh(average), average", 1))
    outcome = run("resume", "cut", "--no-dashboard", folder=folder)
    assert outcome.code == 2
    assert "cut/SignM was begun with another state of its code or data" in outcome.err
    assert "other code of the optimizer (the optimizer itself changed)" in " ".join(outcome.err.split())
