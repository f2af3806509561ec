"""Tasks of one's own: from a function, from an installed package, and what is said where that fails."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tasks.errors import TaskError
from tasks.function_task import function_task
from tasks.registry import entry, is_own, load, plugins
from tasks.rosenbrock import Rosenbrock
from tests.support import command_line
from tuner.checks.check import Check, NotApplicable
from tuner.checks.probe import Probe
from tuner.checks.suite import CHECKS


def valley(x: Any) -> Any:
    return 0.01 * (1 - x[0]) ** 2 + (x[1] - x[0] ** 2) ** 2


def noisy(x: Any, seed: Any) -> Any:
    """Half the squared distance to a centre that is drawn anew."""
    return tf.reduce_sum((x - tf.random.stateless_normal([3], seed, dtype=x.dtype)) ** 2) / 2


def branched(x: Any) -> Any:
    return tf.cond(x[0] > 0, lambda: tf.reduce_sum(x**2), lambda: tf.reduce_sum(3 * x))


def test_importing_what_makes_tasks_loads_neither_tensorflow_nor_keras() -> None:
    code = "import sys, tasks.function_task, tasks.keras_task; print({'tensorflow', 'keras'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.fixture(scope="module")
def probe() -> Probe:
    drawn = function_task(noisy, start=lambda seed: tf.random.stateless_uniform([3], seed), jit_compile=False)
    return Probe(drawn(), is_random=True)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_task_from_a_function_passes_what_every_task_passes(probe: Probe, check: Check) -> None:
    with contextlib.suppress(NotApplicable):
        check.run(probe)


def test_a_function_has_the_losses_and_gradients_of_the_same_task_by_hand() -> None:
    x = tf.constant(np.random.default_rng(0).normal(size=(2, 5)))
    by_hand, task = Rosenbrock(), function_task(valley, start=Rosenbrock.start)()
    for found, expected in zip(task.loss_and_gradient(x, ())[:2], by_hand.loss_and_gradient(x, ())[:2], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_array_equal(task.initial(tf.zeros([4, 2], tf.int32))[0], np.tile([[-0.5], [2]], 4))


def test_a_function_with_a_seed_is_traced_without_warnings_that_nobody_can_act_on(caplog: Any) -> None:
    """TensorFlow computes draws lane by lane, and says so, although that is what is wanted."""
    tf.get_logger().addHandler(caplog.handler)
    try:
        task = function_task(noisy, start=[0, 0, 0])()
        tf.function(task.loss_and_gradient)(*task.initial(tf.zeros([4, 2], tf.int32)))
    finally:
        tf.get_logger().removeHandler(caplog.handler)
    assert caplog.messages == []


@pytest.mark.parametrize("jit_compile", [False, True])
def test_each_lane_takes_its_own_branch_and_a_lane_of_nan_spoils_none(jit_compile: bool) -> None:
    task = function_task(branched, start=[0, 0])()
    x = np.array([[1.0, -1.0, np.nan], [2.0, 2.0, 2.0]])
    loss, gradient, _ = tf.function(task.loss_and_gradient, jit_compile=jit_compile)(tf.constant(x), ())
    np.testing.assert_array_equal(loss[:2], [5, 3])
    np.testing.assert_array_equal(gradient[:, :2], [[2, 3], [4, 3]])


def test_a_gradient_through_a_gather_is_dense() -> None:
    task = function_task(lambda x: tf.reduce_sum(tf.gather(x, [0, 0, 2]) ** 2), start=[1, 1, 1])()
    _, gradient, _ = task.loss_and_gradient(tf.ones([3, 2], tf.float64), ())
    np.testing.assert_array_equal(gradient, [[4, 4], [0, 0], [2, 2]])


def test_a_seed_reaches_the_function_whatever_its_second_argument_is_called() -> None:
    assert function_task(lambda x, s: noisy(x, s), start=[0, 0, 0]).is_random
    assert function_task(lambda x, seed=None: noisy(x, seed), start=[0, 0, 0]).is_random
    assert not function_task(lambda x, scale=2.0: scale * valley(x), start=[0, 0]).is_random


def test_names_and_summaries_come_from_the_function_unless_they_are_given() -> None:
    found = function_task(noisy, start=[0, 0, 0])
    assert (found.name, found.__doc__) == ("noisy", "Half the squared distance to a centre that is drawn anew.")
    assert function_task(valley, start=[0, 0], name="my-valley").name == "my-valley"
    assert function_task(lambda x: valley(x), start=[0, 0]).name == "lambda"


def test_single_precision_is_the_users_choice() -> None:
    found = function_task(valley, start=[0, 0])
    assert (found().dtype, found(dtype="float32").dtype) == ("float64", "float32")
    assert found(dtype="float32").initial(tf.zeros([1, 2], tf.int32))[0].dtype == tf.float32
    assert function_task(valley, start=[0, 0], dtype="float32")().dtype == "float32"


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda x: x, r"must return a floating-point scalar.*Received: float64 of shape \(2,\)$"),
        (lambda x: None, r"must return a floating-point scalar.*Received: None; is there a `return`\?$"),
        (lambda x: tf.cast(x[0], tf.int32), r"must return a floating-point scalar.*Received: int32 of shape \(\)$"),
        (lambda x: [x, "b"], r"must return a floating-point scalar.*Received: list$"),
        (lambda x: tf.constant(1.0), r"the loss has no gradient: it does not depend on x by TensorFlow"),
        (lambda x: tf.round(x[0]) + np.sum(x), r"raises NotImplementedError.*\(line \d+\); .*no NumPy"),
        (lambda x: x[0] if x[0] > 0 else x[1], r"raises OperatorNotAllowedInGraphError.*tf.cond"),
        (lambda x: x[0] - tf.constant(1.0), r"raises TypeError.*; x is float64: cast constants"),
        (
            lambda x: x[0] * tf.random.normal([], dtype=x.dtype),
            r"draws random numbers that no seed repeats \(RandomStandardNormal\)",
        ),
        (lambda x: 1 / 0, r"the loss raises ZeroDivisionError: division by zero \(line \d+\)$"),
    ],
)
def test_a_function_that_is_no_loss_is_reported_in_one_line(loss: Any, message: str) -> None:
    found = function_task(loss, start=[0.0, 0.0], name="mine")
    with pytest.raises(TaskError, match=rf"^mine: .*{message}") as caught:
        found()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("start", [[], [[1.0]], "ab", None, [float("nan")], 3.0])
def test_a_start_that_is_no_vector_is_refused_at_once(start: Any) -> None:
    with pytest.raises(TaskError, match=r"valley: `start` must be a list of n finite numbers.*Received: "):
        function_task(valley, start=start)


def test_a_start_that_draws_no_vector_is_refused() -> None:
    found = function_task(valley, start=lambda seed: seed)
    with pytest.raises(
        TaskError, match=r"`start` must return a floating-point vector.*Received: int32 of shape \(2,\)"
    ):
        found()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": 3}, r"`loss` must be a function loss\(x\).*Received: 3"),
        ({"loss": lambda: 0}, r"`loss` must be a function loss\(x\).*Received: \(\)"),
        ({"loss": lambda x, y, z: 0}, r"Received: \(x, y, z\)"),
        ({"name": "My Task"}, r"`name` consists of lower-case letters.*Received: 'My Task'"),
        ({"dtype": "int32"}, r"`dtype` is one of float32, float64"),
        ({"cohort_size": 0}, r"`cohort_size` is a whole number from 1 to 256"),
    ],
)
def test_arguments_that_make_no_task_are_refused_at_once(change: dict[str, Any], message: str) -> None:
    sound: dict[str, Any] = {"loss": valley, "start": [0, 0]}
    arguments = sound | change
    with pytest.raises(ValueError, match=message):
        function_task(arguments.pop("loss"), **arguments)


FILE = """
import tensorflow as tf
from tasks.function_task import function_task

def loss(x):
    return tf.reduce_sum((x - 1.0) ** 2)

MyTask = function_task(loss, start=[0.0, 0.0])
made = MyTask()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "my_function.py"
    file.write_text(FILE)
    return file


def test_train_takes_a_function_from_a_file(path: Path) -> None:
    given = ("--optimizer", "Momentum", "--set", "learning_rate=0.25", "--set", "momentum=0", "--steps", 3)
    done = command_line.call("train", "--task", f"{path}:MyTask", *given, "--curve")
    assert done.code == 0, done.err
    losses = [float(line.split()[1]) for line in done.out.splitlines() if line.startswith("  ")]
    assert losses == [2, 0.5, 0.125]  # half way to (1, 1) at each step, by hand


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("loss", r"is not a task but a function; a task is function_task.*MyTask = function_task\(loss, start=\["),
        ("made", r"is not a task but of type FunctionTask; .*Give the class, FunctionTask, and not an instance"),
        ("tf", r"is not a task but of type .*; a task is function_task\(loss, start=\.\.\.\), keras_task\(build, "),
    ],
)
def test_what_is_not_a_task_is_reported_with_how_to_become_one(path: Path, name: str, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        load(f"{path}:{name}")


def offer(folder: Path, package: str, points: str) -> None:
    """Put into a folder what an installed package leaves there: its module, and what it offers."""
    (folder / f"{package}.py").write_text(
        "from tasks.rosenbrock import Rosenbrock\nclass Mine(Rosenbrock):\n    '''M.'''\n"
    )
    information = folder / f"{package}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[lodo_tune.tasks]\n{points}\n")


def test_an_installed_package_offers_a_task_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    offer(tmp_path, "offers_one", "my-valley = offers_one:Mine\nrosenbrock = offers_one:Mine")
    assert plugins() == {"my-valley": "offers_one:Mine"}  # a task that ships keeps its name
    assert is_own("my-valley")
    assert not is_own("rosenbrock")
    listed = command_line.call("tasks").out
    assert any(
        line.startswith("my-valley ") and line.endswith(" from an installed package: offers_one:Mine")
        for line in listed.splitlines()
    )
    assert "offers_one" not in sys.modules  # nothing of it is imported before it is chosen
    assert (entry("my-valley").summary, load("my-valley").__module__) == ("M.", "offers_one")
    with pytest.raises(ValueError, match=r"Did you mean 'my-valley'\?"):
        entry("my-vally")


def test_a_name_that_two_packages_offer_is_not_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for package in ("offers_a", "offers_b"):
        offer(tmp_path, package, f"same = {package}:Mine")
    with pytest.raises(TaskError, match=r"offers_a, offers_b\. Give one of offers_.:Mine, offers_.:Mine"):
        load("same")


def test_a_package_that_offers_what_is_not_there_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    offer(tmp_path, "offers_nothing", "empty = offers_nothing:Absent")
    with pytest.raises(TaskError, match=r"offers_nothing has no class 'Absent'\. It has Rosenbrock, Mine"):
        load("empty")
    offer(tmp_path, "offers_broken", "broken = offers_broken.absent:Mine")
    with pytest.raises(TaskError, match=r"which the installed package offers_broken offers broken: install it anew$"):
        load("broken")


def test_a_start_that_no_seed_repeats_is_refused() -> None:
    found = function_task(valley, start=lambda seed: tf.random.normal([2]), name="mine")
    with pytest.raises(TaskError, match=r"^mine: `start` draws random numbers that no seed repeats \(Random"):
        found()


def test_a_module_that_changes_the_working_directory_leaves_it_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "import os\nos.chdir('/')\nfrom tasks.function_task import function_task\n"
    (tmp_path / "moves.py").write_text(f"{text}Mine = function_task(lambda x: x[0] ** 2, start=[1.0])\n")
    load("moves.py:Mine")
    assert Path.cwd() == tmp_path


@pytest.mark.parametrize(("name", "made"), [("tasks.mine:Mine", "tasks/mine.py"), ("user.py:Mine", "lodo.py")])
def test_a_file_that_has_the_name_of_one_of_our_packages_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, made: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / made).parent.mkdir(exist_ok=True)
    (tmp_path / made).write_text("Mine = 1\n")
    (tmp_path / "user.py").write_text("from lodo.mine import Mine\n")
    hidden = tmp_path / made.partition("/")[0]
    with pytest.raises(TaskError, match=f"{hidden} is hidden by the package '{hidden.stem}' of lodo-tune"):
        load(name)


def test_a_loss_of_as_many_numbers_as_its_x_says_is_computed_lane_by_lane() -> None:
    def loss(x: Any) -> Any:
        return tf.reduce_sum(tf.boolean_mask(x, x > 0) ** 2)

    task = function_task(loss, start=[1.0, 2.0], jit_compile=False)()
    x = np.array([[1.0, -1.0, -1.0], [2.0, 3.0, -1.0]])  # of 2, 1 and 0 numbers
    losses, gradient, _ = tf.function(task.loss_and_gradient)(tf.constant(x), ())
    np.testing.assert_array_equal(losses, [5.0, 9.0, 0.0])
    np.testing.assert_array_equal(gradient, np.maximum(2 * x, 0))
