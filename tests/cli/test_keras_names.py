"""`keras:NAME` on the command line: searched like any other, and exported back to Keras."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.command_line import call, run
from tuner.core.trial import Status
from tuner.storage import Store
from tuner.studies.planner import SearchRequest, plan_search

SEARCH = (
    "--task", "rosenbrock", "--generations", 2, "--population", 4, "--steps", 30, "--sigma", 1, "--name", "valley",
    "--no-dashboard",
)  # fmt: skip
LION = "optimizer: keras:Lion\nhyperparameters:\n  learning_rate: {scale: log, default: 0.05}\n"


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A search of one optimizer with a derived space and one with a file: its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("keras")
    (folder / "lion.yaml").write_text(LION)
    names = ("--optimizers", "keras:AdamW,keras:Lion", "--search-space", "lion.yaml", "--output", "results")
    return folder, run(*SEARCH, *names, folder=folder)


@pytest.mark.slow  # docs/guides/keras.md, whose commands are tests, searches so too
def test_a_derived_space_is_shown_before_the_search_and_all_of_it_is_tuned(searched):
    folder, outcome = searched
    assert outcome.code == 0, outcome.err
    before, _, _ = outcome.err.partition("generation 0")
    assert "keras:AdamW has no search space of its own; derived from its constructor: learning_rate log from " in before
    assert "keras:Lion has" not in before  # there is a file for it
    studies = json.loads((folder / "results" / "table.json").read_text())["studies"]
    names = [[one["name"] for one in study["hyperparameters"]] for study in studies]
    assert names == [["learning_rate", "weight_decay", "beta_1", "beta_2"], ["learning_rate"]]
    with Store.open(str(folder / "lodo-tune.db"), read_only=True) as store:
        assert [study.counts[Status.FINISHED] for study in store.studies()] == [8, 8]


@pytest.mark.slow
def test_the_export_is_an_optimizer_that_keras_makes_with_the_tuned_values(searched):
    folder, _ = searched
    tuned = json.loads((folder / "results" / "keras-AdamW.json").read_text())["hyperparameters"]
    outcome = run("export", "valley/keras:AdamW", "--format", "keras", folder=folder)
    made = keras.optimizers.deserialize(json.loads(outcome.out))
    assert type(made) is keras.optimizers.AdamW
    assert float(made.learning_rate.numpy()) == np.float32(tuned["learning_rate"])
    assert (made.beta_1, made.beta_2, made.weight_decay) == (tuned["beta_1"], tuned["beta_2"], tuned["weight_decay"])


def test_train_takes_the_steps_of_keras_with_what_is_set_and_its_defaults_for_the_rest():
    # Exact in float32, to which Keras rounds some of them on the way to a float64 variable.
    values = {"learning_rate": 2**-4, "beta_1": 0.875, "beta_2": 1 - 2**-10, "weight_decay": 2**-8, "epsilon": 2**-10}
    settings = [part for name, value in values.items() for part in ("--set", f"{name}={value}")]
    outcome = call(
        "train", "--task", "rosenbrock", "--optimizer", "keras:AdamW", *settings, "--steps", 25, "--curve", "--json"
    )
    assert outcome.code == 0, outcome.err
    theirs, losses = keras.optimizers.AdamW(**values), []
    point = keras.Variable([-0.5, 2.0], dtype="float64")
    for _ in range(25):
        with tf.GradientTape() as tape:
            x, y = tf.unstack(point.value)
            loss = 0.01 * (1 - x) ** 2 + (y - x**2) ** 2
        losses.append(float(loss))
        theirs.apply([tape.gradient(loss, point.value)], [point])
    np.testing.assert_allclose(json.loads(outcome.out)["runs"][0]["losses"], losses, rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--optimizer", "keras:Adamw"), "--optimizer: Unknown optimizer. Did you mean 'keras:AdamW'?"),
        (("--optimizer", "Keras:AdamW"), "--optimizer: Unknown optimizer. Did you mean 'keras:AdamW'?"),
        (("--optimizer", "keras:Lion", "--set", "beta_3=0.5"), "keras:Lion has no hyperparameter of this name"),
        (("--optimizer", "keras:Adam", "--set", "epsilon=-1"), "--set: epsilon must be at least 0. Received: -1.0"),
        (("--optimizer", "keras:Adam", "--set", "beta_1=1"), "--set: beta_1 must be a number at least 0 and below 1"),
    ],
)
def test_what_keras_does_not_take_is_refused_in_a_line(arguments, message):
    outcome = call("train", "--task", "rosenbrock", *arguments, "--steps", 5)
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert message in line


def test_what_has_no_effect_on_a_tasks_variables_is_neither_searched_nor_set():
    # Muon orthogonalises matrices alone; Rosenbrock's x is a vector.
    planned = plan_search(SearchRequest(task="rosenbrock", optimizers=("keras:Muon",)))
    (spec,), (told,) = planned.specs, planned.remarks
    assert list(spec.space["hyperparameters"]) == ["learning_rate", "adam_beta_1", "adam_beta_2", "adam_weight_decay"]
    assert "without effect on this task: weight_decay, muon_a, muon_c, momentum, rms_rate" in told
    refused = call("train", "--task", "rosenbrock", "--optimizer", "keras:Muon", "--set", "momentum=0.5", "--steps", 5)
    assert refused.code == 2
    assert "keras:Muon has no hyperparameter of this name" in refused.err
    assert "Also accepted: epsilon" in refused.err


def test_train_computes_on_as_many_threads_as_it_was_told_also_where_keras_was_asked_first(tmp_path):
    code = (
        "import sys, tensorflow as tf\n"
        "from tuner import cli\n"
        "sys.argv[1:] = 'train --task rosenbrock --optimizer keras:Adam --steps 5'.split()\n"
        "try: cli.main()\n"
        "except SystemExit as end:\n"
        "    print(end.code, tf.config.threading.get_intra_op_parallelism_threads(), file=sys.__stdout__)"
    )
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, env=quiet)
    assert done.stdout.splitlines()[-1] == "0 1"
    assert "number of threads" not in done.stderr


def test_a_file_that_names_what_a_step_does_not_use_is_refused(tmp_path):
    # Muon orthogonalises matrices alone; Rosenbrock's x is a vector. Its weight decay is not an addition there either.
    for name in ("momentum", "weight_decay"):
        (tmp_path / "muon.yaml").write_text(LION.replace("Lion", "Muon").replace("learning_rate", name))
        outcome = call(*SEARCH, "--optimizers", "keras:Muon", "--search-space", tmp_path / "muon.yaml")
        assert outcome.code == 2
        assert "muon.yaml: keras:Muon has no tunable hyperparameter of this name on this task" in outcome.err
        assert "Accepted: learning_rate, " in outcome.err
