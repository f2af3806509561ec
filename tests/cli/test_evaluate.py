"""`train --validate-every --output` and `evaluate`: what a trained network is worth on examples it has not seen."""

import json
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

from tests.support import regression
from tests.support.command_line import call
from tuner.results.figures.learning import losses_figure
from tuner.training.evaluator import Evaluator

TASK = "tests.support.regression:Line"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of two runs, and what the command printed."""
    folder = tmp_path_factory.mktemp("out") / "line"
    command = ["train", "--task", TASK, "--optimizer", "Adam", "--set", "learning_rate=0.05", "--steps", 60]
    outcome = call(*command, "--seeds", 2, "--validate-every", 20, "--output", folder)
    assert outcome.code == 0, outcome.err
    return folder, outcome.out


@pytest.fixture
def folder(trained, tmp_path):
    """A copy of the folder, for one test."""
    for file in trained[0].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_train_tells_and_writes_the_validation(trained):
    folder, text = trained
    assert "Mean loss over the validation set" in text
    assert "Mean accuracy over the validation set" in text
    run = json.loads((folder / "run.json").read_text())["runs"][1]
    assert run["validation"]["evaluations"] == [0, 20, 40, 60]
    assert len(run["losses"]) == 60
    names = {"run.json", "losses.png", "seed-0.npz", "seed-1.npz", "seed-0-seed.png", "seed-1-seed.png"}
    assert {file.name for file in folder.iterdir()} == names


def test_an_earlier_run_is_not_mixed_with_another_nor_replaced_unasked(folder):
    call("evaluate", folder)
    (folder / "notes.txt").write_text("mine")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    command = ["train", "--task", TASK, "--optimizer", "Adam", "--steps", 5, "--output", folder]
    refused = call(*command)
    assert refused.code == 2
    assert "is not empty; name another folder, or give --force" in refused.err
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert call(*command, "--force").code == 0
    left = {file.name for file in folder.iterdir()}
    assert left == {"run.json", "losses.png", "seed-0.npz", "seed-0-seed.png", "notes.txt"}


def test_a_small_picture_is_written_so_that_it_can_be_seen(trained):
    picture = tf.io.decode_png((trained[0] / "seed-1-seed.png").read_bytes())
    np.testing.assert_array_equal(picture, np.repeat(np.repeat(regression.PICTURE[..., None] + 1, 106, 0), 106, 1))


def test_evaluate_gives_the_mean_over_all_examples_and_its_standard_error(folder):
    outcome = call("evaluate", folder, "--json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    for run in found["runs"]:
        x = np.load(folder / f"seed-{run['seed']}.npz")["x"][:, 0]
        expected = regression.metrics(x, "test")
        assert (run["examples"], run["of"]) == (17, 17)
        for column, name in enumerate(("loss", "accuracy")):
            assert run[name]["mean"] == pytest.approx(expected[:, column].mean(), rel=1e-12)
            assert run[name]["standard_error"] == pytest.approx(expected[:, column].std(ddof=1) / 17**0.5, rel=1e-12)


def test_a_part_of_the_examples_is_named_as_one_and_begins_what_more_of_them_go_on_with(folder):
    few = call("evaluate", folder, "--examples", 5, "--seed", 1).out
    assert "a random 5 of 17 examples, seed 1" in few
    batches = []
    plain = Evaluator.batches
    with mock.patch.object(Evaluator, "batches", lambda self, x, state, chosen: batches.append(len(chosen)) or plain(
        self, x, state, chosen
    )):  # fmt: skip
        call("evaluate", folder, "--examples", 11, "--seed", 1)
        call("evaluate", folder, "--examples", 11, "--seed", 2)
    assert batches == [6, 6, 11, 11]


def test_an_evaluation_that_was_cut_off_goes_on_where_it_was(folder):
    whole = call("evaluate", folder, "--json").out
    for file in folder.glob("*-test.npz"):
        file.unlink()
    plain = Evaluator.batches

    def cut(self, x, state, chosen):
        for number, batch in enumerate(plain(self, x, state, chosen)):
            if number == 2:
                raise KeyboardInterrupt
            yield batch

    with mock.patch.object(Evaluator, "batches", cut):
        outcome = call("evaluate", folder)
    assert outcome.code == 130
    assert outcome.err.strip() == "lodo-tune: interrupted; 8 of 17 examples are kept; the same command continues"
    assert len(np.load(folder / "seed-0-test.npz")["values"]) == 8
    assert call("evaluate", folder, "--json").out == whole


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut"])
def test_what_is_kept_but_broken_is_measured_anew(folder, content):
    whole = call("evaluate", folder, "--json").out
    (folder / "seed-0-test.npz").write_bytes(content)
    assert call("evaluate", folder, "--json").out == whole


def test_other_weights_are_measured_anew(folder):
    call("evaluate", folder)
    weights = dict(np.load(folder / "seed-0.npz"))
    np.savez(folder / "seed-0.npz", **(weights | {"x": np.zeros([3, 1])}))
    run = json.loads(call("evaluate", folder, "--json").out)["runs"][0]
    assert run["loss"]["mean"] == pytest.approx(np.mean(regression.TARGETS[47:] ** 2), rel=1e-12)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda folder: (folder / "run.json").unlink(),
            "is not a folder of a training",
        ),
        (lambda folder: (folder / "run.json").write_text("{"), "is not a folder"),
        (lambda folder: (folder / "seed-0.npz").unlink(), "seed-0.npz cannot be read: FileNotFoundError"),
        (lambda folder: (folder / "seed-0.npz").write_bytes(b"x"), "seed-0.npz cannot be read"),
        (
            lambda folder: np.savez(folder / "seed-0.npz", x=np.zeros([4, 1])),
            "is not of this task: x is to be float64 [3, 1]. Received: float64 [4, 1]",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_is_told_in_a_line(folder, spoil, message):
    spoil(folder)
    outcome = call("evaluate", folder)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_task_without_a_validation_set_is_refused():
    outcome = call("train", "--task", "rosenbrock", "--optimizer", "Adam", "--steps", 5, "--validate-every", 1)
    assert outcome.code == 2
    assert "rosenbrock has no validation set" in outcome.err


def test_toys_are_written_without_weights(tmp_path):
    command = ["train", "--task", "rosenbrock", "--optimizer", "Adam", "--steps", 5, "--seeds", 2]
    assert call(*command, "--output", tmp_path).code == 0
    outcome = call("evaluate", tmp_path)
    assert outcome.code == 2
    assert "has no run with weights" in outcome.err


@pytest.mark.parametrize("option", [["--validate-every", 5], ["--output", "somewhere"]])
def test_tracking_goes_with_neither(option):
    command = ["train", "--task", "noisy-quadratic-bowl", "--optimizer", "LODO", "--steps", 5]
    outcome = call(*command, "--track", "hessian-error", *option)
    assert outcome.code == 2
    assert "--track excludes --validate-every and --output" in outcome.err


def test_a_picture_of_losses_shows_runs_that_ended_early_and_is_the_same_twice():
    runs = [
        {"seed": 0, "losses": [3.0, 2.0, 1.0], "validation": {"evaluations": [0, 3], "loss": [3.0, 1.0]}},
        {"seed": 1, "losses": [3.0, None], "validation": {"evaluations": [0], "loss": [None]}},
    ]
    document = {"task": "line", "optimizer": "Adam", "steps": 3, "runs": runs}
    picture = losses_figure(document)
    assert picture.startswith(b"\x89PNG")
    assert picture == losses_figure(document)
