"""`lodo-tune tasks check`, and the look at a user's own task before a search and before `train`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

import tasks.registry
from tests.conformance.broken_tasks import Evaluated, Sound
from tests.support.command_line import call
from tuner.checks import users_task
from tuner.checks.check import PromiseError, Verdict
from tuner.checks.evaluation import test_set_stays_unread as check_test_set_stays_unread
from tuner.checks.probe import Probe
from tuner.checks.suite import CHECKS, examine
from tuner.checks.users_task import check_users_task

BROKEN = str(Path(__file__).parents[1] / "conformance" / "broken_tasks.py")
HERE = str(Path(__file__))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every command runs in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Bare:
    """Half the squared distance to 1 from 3, in five dimensions, and as little else as trains."""

    dtype, jit_compile = "float64", False

    def __init__(self, *, dtype: str | None = None) -> None:
        self.dtype = dtype or type(self).dtype

    def initial(self, seeds: Any) -> Any:
        return tf.fill([5, seeds.shape[0]], tf.constant(3, self.dtype)), ()

    def advance(self, state: Any, seeds: Any, t: Any) -> Any:
        return state

    def loss_and_gradient(self, x: Any, state: Any) -> Any:
        return *self.differentiated(x), state

    def differentiated(self, x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.cast(self.loss(x), self.dtype)
        return loss, tape.gradient(loss, x)

    def loss(self, x: Any) -> Any:
        return tf.reduce_sum((x - 1) ** 2, axis=0) / 2


class LossPerExample(Bare):
    """Its loss is not yet a mean over its three examples."""

    def loss_and_gradient(self, x: Any, state: Any) -> Any:
        return tf.stack([x[0, 0], x[1, 0], x[2, 0]]), x, state


class NoLoss(Bare):
    """Returns nothing for a loss."""

    def loss_and_gradient(self, x: Any, state: Any) -> Any:
        return None, x, state


class LossInSinglePrecision(Bare):
    """Its loss is of another dtype than it says."""

    def loss_and_gradient(self, x: Any, state: Any) -> Any:
        loss, gradient = self.differentiated(x)
        return tf.cast(loss, tf.float32), gradient, state


class LossOfNan(Bare):
    """Divides zero by zero."""

    def loss(self, x: Any) -> Any:
        return super().loss(x) / 0 * 0


class GradientOfNone(Bare):
    """Its loss does not depend on x."""

    def loss(self, x: Any) -> Any:
        return tf.zeros([x.shape[1]], self.dtype)


class GradientOfAnotherShape(Bare):
    """Its gradient is short."""

    def loss_and_gradient(self, x: Any, state: Any) -> Any:
        return self.loss(x), (x - 1)[:, :1][:3], state


class ForgetsTheState(Bare):
    """Returns two values where there are three."""

    def loss_and_gradient(self, x: Any, state: Any) -> Any:
        return self.loss(x), x - 1


class StateGrows(Bare):
    """Keeps a list of what it has seen."""

    def initial(self, seeds: Any) -> Any:
        return super().initial(seeds)[0], {"seen": tf.zeros([1])}

    def advance(self, state: Any, seeds: Any, t: Any) -> Any:
        return {"seen": tf.concat([state["seen"], [0.0]], 0)}


class StateIsRenamed(StateGrows):
    """Its state has another key after the first step."""

    def advance(self, state: Any, seeds: Any, t: Any) -> Any:
        return {"found": tf.zeros([1])}


class StartsWithoutLanes(Bare):
    """Knows nothing of cohorts."""

    def initial(self, seeds: Any) -> Any:
        return tf.zeros([5], self.dtype), ()


class TakesNoDtype(Bare):
    """Its constructor takes no options."""

    def __init__(self) -> None:
        raise AssertionError("never called")


class DeafToPrecision(Bare):
    """Is of double precision whatever is asked for."""

    def __init__(self, *, dtype: str | None = None) -> None:
        self.dtype = "float64"


class ReadsATensor(Bare):
    """Looks at the value of a tensor that is not there yet when it is traced."""

    def advance(self, state: Any, seeds: Any, t: Any) -> Any:
        return state if t.numpy() > 1 else ()


class Uphill(Bare):
    """Its gradient points the wrong way."""

    def loss_and_gradient(self, x: Any, state: Any) -> Any:
        return self.loss(x), 1 - x, state


class OneCoordinateOff(Bare):
    """One of five entries of its gradient is a tenth too large."""

    def loss_and_gradient(self, x: Any, state: Any) -> Any:
        return self.loss(x), (x - 1) * tf.constant([[1.0], [1], [1.1], [1], [1]], self.dtype), state


class LayerLeftOut(Bare):
    """Its gradient says nothing of the last two entries."""

    def loss_and_gradient(self, x: Any, state: Any) -> Any:
        return self.loss(x), (x - 1) * tf.constant([[1.0], [1], [1], [0], [0]], self.dtype), state


class MeanForSum(Bare):
    """Its gradient is that of the mean, not of the sum, and it computes in float32 only."""

    dtype = "float32"

    def __init__(self, *, dtype: str | None = None) -> None:
        if dtype not in (None, "float32"):
            raise ValueError(f"`dtype` is float32. Received: {dtype!r}")

    def loss_and_gradient(self, x: Any, state: Any) -> Any:
        return self.loss(x), (x - 1) / 5, state


class CannotBeCompiled(Bare):
    """Asks for XLA, and calls Python."""

    jit_compile = True

    def loss_and_gradient(self, x: Any, state: Any) -> Any:
        loss, gradient = self.differentiated(x)
        return tf.py_function(lambda value: value, [loss], loss.dtype), gradient, state


class DoubleInSingle(Bare):
    """Its loss is of double precision also where it says that it is of single."""

    dtype = "float32"

    def loss_and_gradient(self, x: Any, state: Any) -> Any:
        loss, gradient = self.differentiated(x)
        return tf.cast(loss, tf.float64), gradient, state


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (LossPerExample, r"loss_and_gradient returns the loss as float64 \[1\], one number.*Received: float64 \[3\]$"),
        (NoLoss, r"loss_and_gradient returns loss as a tensor. Received: None$"),
        (LossInSinglePrecision, r"returns the loss as float64 \[1\].*Received: float32 \[1\]$"),
        (LossOfNan, r"loss_and_gradient returns a loss that is finite at the first step. Received: nan"),
        (GradientOfNone, r"loss_and_gradient returns gradient as a tensor; a tape's gradient is None where.*None$"),
        (GradientOfAnotherShape, r"the gradient in the form of x, float64 \[5, 1\]. Received: float64 \[3, 1\]$"),
        (ForgetsTheState, r"loss_and_gradient returns the tuple \(loss, gradient, state\). Received: 2 values$"),
        (
            StateGrows,
            r"advance returns tensor 0 of the state in the form that initial returns, float32 \[1\]; a state"
            r" does not grow. Received: float32 \[2\]$",
        ),
        (StateIsRenamed, r"advance returns the state in the structure that .*'seen'.* Received: .*'found'"),
        (StartsWithoutLanes, r"initial returns x as float64 \[n, 1\].*Received: float64 \[5\]$"),
        (TakesNoDtype, r"the constructor fails: TypeError: .*unexpected keyword argument 'dtype'$"),
        (ReadsATensor, r"advance fails: AttributeError: .*numpy"),
        (CannotBeCompiled, r"advance or loss_and_gradient fails: .*; what XLA cannot compile sets .*$"),
        (Uphill, r"loss_and_gradient returns the gradient of the loss. Received: .* likely wrong: its slope along"),
        (OneCoordinateOff, r"likely wrong: its slope along .* is .*, and central differences of the loss give"),
        (LayerLeftOut, r"likely wrong: its slope along a random direction is"),
        (MeanForSum, r"likely wrong: its slope along itself is"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_broken_task_is_refused_in_one_line_that_names_the_method(broken: type, told: str) -> None:
    with pytest.raises(PromiseError, match=rf"^test_tasks_check.py:{broken.__name__}: .*{told}") as caught:
        check_users_task(f"{HERE}:{broken.__name__}", {}, None)
    assert "\n" not in str(caught.value)


def test_a_task_that_is_not_of_the_precision_that_was_asked_for_is_refused() -> None:
    with pytest.raises(PromiseError, match=r"for dtype='float32' a task of 'float64'"):
        check_users_task(f"{HERE}:DeafToPrecision", {}, "float32")


class Rectified(Bare):
    """Starts exactly on the kinks of its loss, where the slopes on both sides are not what the gradient says."""

    def initial(self, seeds: Any) -> Any:
        return tf.zeros([5, seeds.shape[0]], self.dtype), ()

    def loss(self, x: Any) -> Any:
        return tf.reduce_sum(tf.nn.relu(x), axis=0) + 0.1 * tf.reduce_sum(x, axis=0)


class RectifiedInSinglePrecision(Rectified):
    """The same, in float32 only."""

    dtype = "float32"
    __init__ = MeanForSum.__init__


class ReluNetwork(Bare):
    """A hundred rectified units on fifty examples, with biases that start at zero."""

    def initial(self, seeds: Any) -> Any:
        weights = tf.random.stateless_normal([300, seeds.shape[0]], [1, 2], dtype=self.dtype)
        return tf.concat([weights, tf.zeros([100, seeds.shape[0]], self.dtype)], 0), ()

    def loss(self, x: Any) -> Any:
        inputs = tf.random.stateless_normal([50, 3], [3, 4], dtype=self.dtype)
        weights, biases = tf.reshape(x[:300], [3, 100]), x[300:, 0]
        return tf.reduce_mean(tf.nn.relu(inputs @ weights + biases))[tf.newaxis]


class DeadNetwork(ReluNetwork):
    """Begins with zeros alone, where every rectified unit stands on its kink."""

    def initial(self, seeds: Any) -> Any:
        return tf.zeros([400, seeds.shape[0]], self.dtype), ()


class HalfPrecisionInside(Bare):
    """Computes in bfloat16, which moves in steps of a part in 256."""

    dtype = "float32"

    def loss(self, x: Any) -> Any:
        return tf.reduce_sum((tf.cast(x, tf.bfloat16) - 1) ** 2, axis=0)


class HugeConstant(Bare):
    """A slope that vanishes in the rounding of its loss."""

    dtype = "float32"

    def loss(self, x: Any) -> Any:
        return super().loss(x) + 1e18


class Rough(Bare):
    """Its slope changes within the small steps that are taken to look at it."""

    def loss(self, x: Any) -> Any:
        return super().loss(x) + tf.reduce_sum(tf.sin(3e4 * x), axis=0) / 3e4


class StraightThrough(Bare):
    """Rounds, and takes the gradient as if it did not: on purpose."""

    gradient_is_estimated = True

    def loss_and_gradient(self, x: Any, state: Any) -> Any:
        rounded = tf.round(x)
        return self.loss(rounded), rounded - 1 + 0.3, state


@pytest.mark.parametrize(
    "sound",
    [
        Bare, Rectified, RectifiedInSinglePrecision, ReluNetwork, DeadNetwork, HalfPrecisionInside,
        HugeConstant, Rough, StraightThrough,
    ],
)  # fmt: skip
def test_a_sound_task_is_not_refused_for_kinks_rounding_or_what_it_leaves_out(sound: type) -> None:
    check_users_task(f"{HERE}:{sound.__name__}", {}, None)


def test_a_task_of_single_precision_has_its_gradient_looked_at_in_double_where_it_takes_that() -> None:
    trained, doubled = users_task.probes(f"{HERE}:HugeConstant", {})
    assert (trained.task.dtype, doubled.task.dtype) == ("float32", "float64")
    (only,) = users_task.probes(f"{HERE}:MeanForSum", {})
    assert only.task.dtype == "float32"


SEARCH = ("--optimizers", "Adam", "--preset", "quick")
TRAIN = ("train", "--optimizer", "Adam", "--steps", "5")


@pytest.mark.parametrize("command", [SEARCH, TRAIN], ids=["search", "train"])
@pytest.mark.parametrize(
    ("name", "told"),
    [("NoLoss", "loss as a tensor. Received: None"), ("Uphill", "likely wrong"), ("StateGrows", "[2]")],
)
def test_a_broken_task_is_neither_tuned_nor_trained_and_nothing_is_written(
    command: tuple[str, ...], name: str, told: str, folder: Path
) -> None:
    outcome = call(*command, "--task", f"{HERE}:{name}")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines()[-1].startswith(f"lodo-tune: test_tasks_check.py:{name}: ")
    assert told in outcome.err
    assert not list(folder.iterdir())


def test_a_task_that_ships_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users_task, "check_users_task", lambda *_: pytest.fail("looked at"))
    assert call(*TRAIN, "--task", "rosenbrock").code == 0
    with pytest.raises(pytest.fail.Exception):
        call(*TRAIN, "--task", f"{HERE}:Bare")


def test_a_sound_task_passes_each_check_and_the_command_says_so() -> None:
    outcome = call("tasks", "check", f"{BROKEN}:Evaluated")
    assert (outcome.code, outcome.err) == (0, "")
    heading, *lines = outcome.out.splitlines()
    assert heading == f"{BROKEN}:Evaluated in float64, cohorts of 3; options of preset 'quick': none"
    assert [line.split()[:2] for line in lines] == [
        ["-" if check.name == "hessian" else "ok", check.name] for check in CHECKS
    ]
    for check, line in zip(CHECKS, lines, strict=True):
        assert check.demand in line or check.name == "hessian"


def test_a_broken_task_is_told_check_by_check_and_the_exit_code_is_1() -> None:
    outcome = call("tasks", "check", f"{BROKEN}:TrainsOnTest", "--json")
    assert outcome.code == 1
    document = json.loads(outcome.out)
    verdicts = {check["name"]: check["verdict"] for check in document["checks"]}
    assert list(verdicts) == [check.name for check in CHECKS]
    assert [name for name, verdict in verdicts.items() if verdict == "failed"] == ["test-set-stays-unread"]
    assert (document["passed"], document["preset"], document["dtypes"]) == (False, "quick", ["float64"])
    assert outcome.err == (
        f"lodo-tune: {BROKEN}:TrainsOnTest: 1 of {len(CHECKS)} checks failed: test-set-stays-unread\n"
    )


def test_a_task_is_looked_at_in_its_own_precision_as_well_as_in_double() -> None:
    findings = {each.check.name: each for each in examine(users_task.probes(f"{HERE}:DoubleInSingle", {}))}
    assert findings["attributes"].verdict is Verdict.PASSED
    assert findings["shapes-and-dtypes"].note.startswith("in float32: loss_and_gradient returns the loss as float32")


def test_what_stands_on_a_broken_form_is_not_looked_at() -> None:
    findings = list(examine([Probe(LossPerExample())]))
    ends = {finding.check.name: finding.verdict for finding in findings}
    assert ends["shapes-and-dtypes"] is Verdict.FAILED
    assert {verdict for name, verdict in list(ends.items())[3:]} == {Verdict.SKIPPED}


def test_a_preset_gives_its_options_and_one_that_is_not_there_is_refused(folder: Path) -> None:
    (folder / "small.py").write_text(
        "from tasks.preset import Preset\n"
        "from tests.conformance.broken_tasks import Sound\n"
        "def preset(**options):\n"
        "    return Preset(generations=1, population=1, sigmas=(1.0,), steps=(1,), fresh_seeds=0,\n"
        "                  optimizers=('Adam',), options=options)\n"
        "class Small(Sound):\n"
        "    presets = {'paper': preset(), 'tiny': preset(wide=False)}\n"
        "    def __init__(self, *, dtype=None, wide=True):\n"
        "        super().__init__(dtype=dtype)\n"
        "        self.layers = ((0, 9),) if wide else ((0, 5),)\n"
    )
    assert "without options" in call("tasks", "check", "small.py:Small").out.splitlines()[0]
    assert call("tasks", "check", "small.py:Small").code == 1
    tiny = call("tasks", "check", "small.py:Small", "--preset", "tiny")
    assert (tiny.code, tiny.out.splitlines()[0].partition("; ")[2]) == (0, "options of preset 'tiny': wide False")
    refused = call("tasks", "check", "small.py:Small", "--preset", "quick")
    assert (refused.code, refused.out) == (2, "")
    assert "--preset is one of paper, tiny for this task. Received: 'quick'" in refused.err


def test_an_unknown_task_or_verb_is_refused() -> None:
    assert "Did you mean 'rosenbrock'?" in call("tasks", "check", "rosenbruck").err
    assert "Did you mean 'check'?" in call("tasks", "chek").err
    assert call("tasks", "chek").code == 2


def test_tasks_lists_each_task_of_the_registry_with_its_summary() -> None:
    outcome = call("tasks")
    assert outcome.code == 0
    lines = dict(line.split(maxsplit=1) for line in outcome.out.splitlines())
    assert lines == {name: entry.summary for name, entry in tasks.registry.TASKS.items()}
    listed = {each["name"]: each for each in json.loads(call("tasks", "--json").out)}
    assert {name: each["presets"] for name, each in listed.items()} == {
        name: list(entry.presets) for name, entry in tasks.registry.TASKS.items()
    }


def test_the_test_set_of_a_task_that_cannot_be_changed_is_watched_as_well() -> None:
    class Slotted(Evaluated):
        __slots__ = ("kept",)

        def __setattr__(self, name: str, value: Any) -> None:
            if hasattr(self, "points"):
                raise AttributeError(f"{name} cannot be set")
            super().__setattr__(name, value)

        def advance(self, state: Any, seeds: Any, t: Any) -> Any:
            x = self.initial(seeds)[0]
            return super().advance(state, seeds, t) + 0 * self.evaluate(x, state, "test", tf.constant([1]))[0, 0]

    with pytest.raises(PromiseError, match="the test set is not read while a task is trained and validated"):
        check_test_set_stays_unread(Probe(Slotted()))


def test_what_is_not_known_to_be_random_is_remarked_upon_and_not_refused() -> None:
    notes = {finding.check.name: (finding.verdict, finding.note) for finding in examine([Probe(Bare())])}
    assert notes["another-seed"] == (
        Verdict.PASSED,
        "another seed gives the same run: nothing in it is random (with is_random = False, points are trained on one"
        " fresh seed)",
    )
    assert notes["each-step"][0] is Verdict.PASSED
    assert "draws nothing anew" in notes["each-step"][1]
    random = {finding.check.name: finding.note for finding in examine([Probe(Sound())])}
    assert (random["another-seed"], random["each-step"]) == ("", "")
