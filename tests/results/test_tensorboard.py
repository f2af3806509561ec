"""Studies written for TensorBoard: read back by TensorFlow and, where it is installed, by TensorBoard itself."""

import math
import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from tensorflow.core.util import event_pb2  # of TensorFlow's package; TensorBoard's own is another
from tensorflow.python.lib.io import tf_record

from tests.support.command_line import call
from tests.support.store_values import REMOTE_OWNER, evaluation, key, spec
from tuner.core.trial import Candidate, Key, Role, Status, Trial
from tuner.results.exports import tensorboard
from tuner.results.figures.learning import WINDOWS
from tuner.storage import Store

SPACE = {
    "optimizer": "Adam",
    "hyperparameters": {
        "learning_rate": {"scale": "log", "default": 0.1},
        "beta_1": {"scale": "decay", "default": 0.9},
    },
}
# Fitness by generation and slot; None diverges. Generation 1 has ten times the budget.
FITNESSES = ((0.5, 0.25, None), (2.0, None, 1.5))
BUDGETS = (200, 2000)
CURVE = np.linspace(3.0, 1.0, 1000)


def hyperparameters(at: Key) -> dict[str, float]:
    return {"learning_rate": 0.1 * (1 + at.slot), "beta_1": 0.5 + 0.1 * at.generation}


def add(store: Store, study: int, epoch: int, at: Key, fitness: float | None, budget: int) -> None:
    store.add(study, epoch, [Candidate((0.0, 0.0), Trial(at, hyperparameters(at), 5, budget))])
    status, outcome = (Status.DIVERGED, math.inf) if fitness is None else (Status.FINISHED, fitness)
    reason = "loss was nan at evaluation 3" if fitness is None else ""
    store.record(study, epoch, [evaluation(at, status, fitness=outcome, losses=CURVE, seconds=10.0, reason=reason)])


def fill(url: str, run: str = "bowl", optimizer: str = "Adam") -> None:
    """Make a study of two generations that is cut off in the second, and a run on a fresh seed."""
    with Store.open(url) as store:
        space = {**SPACE, "optimizer": optimizer}
        study = store.create_study(spec(run, optimizer, generations=2, population=4, space=space, steps=BUDGETS)).id
        epoch = store.acquire(study, owner=REMOTE_OWNER)
        for generation, outcomes in enumerate(FITNESSES):
            for slot, fitness in enumerate(outcomes):
                add(store, study, epoch, key(slot, generation), fitness, BUDGETS[generation])
        store.add(study, epoch, [Candidate((0.0, 0.0), Trial(key(3, 1), hyperparameters(key(3, 1)), 5, 2000))])
        add(store, study, epoch, key(0, 0, Role.DEFAULT), 1.25, 2000)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The folder of a database `studies.db` with a study, and of `runs` as it was written for TensorBoard."""
    folder = tmp_path_factory.mktemp("tensorboard")
    fill(str(folder / "studies.db"))
    outcome = call("database", "export", "--tensorboard", folder / "runs", "--database", folder / "studies.db")
    assert outcome.code == 0, outcome.err
    assert outcome.out == f"bowl/Adam: 7 runs for TensorBoard in {folder / 'runs'}\n"
    return folder


def events(run):
    """The events of a run's only file; TensorFlow checks their checksums."""
    (file,) = run.iterdir()
    return [event_pb2.Event.FromString(record) for record in tf_record.tf_record_iterator(str(file))]


def scalars(run):
    """What a run says: tag -> [(step, value)]."""
    found = {}
    for event in events(run):
        for value in event.summary.value:
            if value.HasField("simple_value"):
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def test_the_search_is_told_by_generation(place):
    found = scalars(place / "runs" / "bowl" / "Adam" / "search")
    assert found == {
        "fitness/best": [(0, 0.25), (1, 1.5)],
        "fitness/median": [(0, 0.375), (1, 1.75)],
        "individuals/finished": [(0, 2.0), (1, 2.0)],
        "individuals/diverged": [(0, 1.0), (1, 1.0)],
        "individuals/failed": [(0, 0.0), (1, 0.0)],
        "individuals/timed_out": [(0, 0.0), (1, 0.0)],
        "individuals/pruned": [(0, 0.0), (1, 0.0)],
    }


def test_every_final_candidate_is_a_run_and_one_that_waits_is_none(place):
    names = {run.name for run in (place / "runs" / "bowl" / "Adam").iterdir()}
    search = {f"g{generation:02d}-s{slot:02d}" for generation in range(2) for slot in range(3)}
    assert names == {"search", "default-0", *search}


def test_a_fitness_stands_at_its_budget_and_one_that_diverged_has_none(place):
    folder = place / "runs" / "bowl" / "Adam"
    assert scalars(folder / "g01-s00") == {"fitness": [(2000, 2.0)]}
    assert scalars(folder / "g01-s01") == {}


def test_the_best_of_a_generation_and_the_fresh_runs_have_a_curve_of_bounded_length(place):
    folder = place / "runs" / "bowl" / "Adam"
    with_curve = {run.name for run in folder.iterdir() if "loss" in scalars(run)}
    assert with_curve == {"g00-s01", "g01-s02", "default-0"}
    curve = scalars(folder / "default-0")["loss"]
    assert len(curve) == WINDOWS  # of 1000 losses, in means of five
    assert curve[0] == (2, pytest.approx(CURVE[:5].mean(), rel=2**-23))  # in float32
    assert curve[-1] == (997, pytest.approx(CURVE[-5:].mean(), rel=2**-23))


def test_the_axis_of_time_is_in_seconds_of_training(place):
    times = [event.wall_time for event in events(place / "runs" / "bowl" / "Adam" / "default-0")]
    assert max(times) - min(times) == pytest.approx(10.0, abs=1e-3)


@pytest.mark.parametrize("value", [1e39, -1e39, math.inf, math.nan])
def test_what_float32_cannot_hold_is_left_out(tmp_path, value):
    with tensorboard.EventFile(tmp_path / "run", 0.0) as file:
        file.scalar("large", 1, value)
        file.scalar("small", 1, 1.0)
    assert scalars(tmp_path / "run") == {"small": [(1, 1.0)]}


def test_written_again_a_study_is_replaced_and_others_stay(tmp_path):
    url = str(tmp_path / "studies.db")
    fill(url)
    fill(url, "other", "keras:AdamW")
    command = ("database", "export", "--tensorboard", tmp_path / "runs", "--database", url)
    assert call(*command).code == 0
    stale = tmp_path / "runs" / "bowl" / "Adam" / "g09-s00"
    (tmp_path / "runs" / "bowl" / "Adam" / "g00-s00").rename(stale)
    assert call(*command, "bowl").code == 0
    assert not stale.exists()
    assert sorted(path.name for path in (tmp_path / "runs").glob("*/*")) == ["Adam", "keras-AdamW"]  # nothing temporary
    assert len(list((tmp_path / "runs" / "bowl" / "Adam").iterdir())) == 8


def test_a_folder_with_something_of_somebody_else_is_left_as_it_is(tmp_path):
    url = str(tmp_path / "studies.db")
    fill(url)
    theirs = tmp_path / "runs" / "bowl" / "Adam"
    theirs.mkdir(parents=True)
    (theirs / "notes.txt").write_text("precious")
    outcome = call("database", "export", "--tensorboard", tmp_path / "runs", "--database", url)
    assert (outcome.code, outcome.out) == (1, "")
    assert "it contains 'notes.txt', which lodo-tune did not write" in outcome.err
    assert [path.name for path in theirs.parent.rglob("*")] == ["Adam", "notes.txt"]


def test_a_disk_that_fills_up_leaves_nothing_half_written(tmp_path, monkeypatch):
    url = str(tmp_path / "studies.db")
    fill(url)
    real, written = os.fsync, []

    def fills_up(descriptor):
        written.append(descriptor)
        if len(written) > 3:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fills_up)
    outcome = call("database", "export", "--tensorboard", tmp_path / "runs", "--database", url)
    assert outcome.code == 74
    assert "No space left on device" in outcome.err
    assert [path for path in (tmp_path / "runs").rglob("*") if path.is_file()] == []


def test_without_a_place_to_write_to_the_command_says_what_there_is(tmp_path):
    fill(str(tmp_path / "studies.db"))
    outcome = call("database", "export", "--database", tmp_path / "studies.db")
    assert outcome.code == 2
    assert "takes --tensorboard DIR, --optuna URL or --mlflow URI, or several" in outcome.err


def test_writing_loads_neither_tensorflow_nor_ray(place, tmp_path):
    code = (
        "import sys\n"
        "from tests.support.command_line import call\n"
        "done = call('database', 'export', '--tensorboard', sys.argv[2], '--database', sys.argv[1])\n"
        "print(done.code, [name for name in ('tensorflow', 'keras', 'ray', 'deap') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(place / "studies.db"), str(tmp_path / "runs")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.strip() == "0 []"


@pytest.fixture(scope="module")
def of_tensorboard(place):
    """TensorBoard's own view of the folder: what its HParams tab asks for."""
    if find_spec("tensorboard") is None:
        pytest.skip("TensorBoard, of the extra `interop`, is not installed")
    from tensorboard import context
    from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
    from tensorboard.plugins import base_plugin
    from tensorboard.plugins.hparams import api_pb2, backend_context, get_experiment, list_session_groups

    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(place / "runs"))
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(place / "runs"))
    backend = backend_context.Context(base_plugin.TBContext(multiplexer=multiplexer, data_provider=provider))
    asked = context.RequestContext()
    request = api_pb2.ListSessionGroupsRequest(
        start_index=0,
        slice_size=1000,
        allowed_statuses=[api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE],
        include_metrics=True,
        aggregation_type=api_pb2.AGGREGATION_AVG,
    )
    groups = list_session_groups.Handler(asked, backend, "", request).run().session_groups
    whole = api_pb2.GetExperimentRequest(include_metrics=True)
    experiment = get_experiment.Handler(asked, backend, "", whole).run()
    return {group.name: group for group in groups}, experiment


def test_the_hparams_tab_shows_each_candidate_with_its_hyperparameters_and_its_fitness(of_tensorboard):
    groups, experiment = of_tensorboard
    names = {info.name for info in experiment.hparam_infos}
    assert names == {"learning_rate", "beta_1", "generation", "budget", "optimizer", "role", "status"}
    assert {info.name.tag for info in experiment.metric_infos} == {"fitness", "loss"}
    assert len(groups) == 7
    for generation, outcomes in enumerate(FITNESSES):
        for slot, fitness in enumerate(outcomes):
            group = groups[os.path.join("bowl", "Adam", f"g{generation:02d}-s{slot:02d}")]
            values = {name: group.hparams[name].number_value for name in ("learning_rate", "beta_1", "budget")}
            assert values == {**hyperparameters(key(slot, generation)), "budget": BUDGETS[generation]}
            found = [metric.value for metric in group.metric_values if metric.name.tag == "fitness"]
            assert found == ([] if fitness is None else [fitness])


def test_the_best_value_is_the_one_that_the_study_has(of_tensorboard, place):
    groups, _ = of_tensorboard
    last = [group for group in groups.values() if group.hparams["generation"].number_value == 1]
    values = [metric.value for group in last for metric in group.metric_values if metric.name.tag == "fitness"]
    with Store.open(str(place / "studies.db"), read_only=True) as store:
        from tuner.api.reading import summary_of

        summary = summary_of(store, store.studies()[0])
    assert min(values) == summary.best.fitness == 1.5
