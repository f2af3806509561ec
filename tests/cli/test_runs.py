"""Whole runs by the command line, on Ray: the same rows whatever the workers, and whatever interrupts them."""

import json
import os
import re
import signal
import time

import pytest

from tests.support.command_line import run, start
from tuner.core.study import StudyStatus
from tuner.core.trial import Key, Role, Status
from tuner.storage import Store

SEARCH = (
    "--task", "noisy-quadratic-bowl", "--optimizers", "Momentum,Adam", "--generations", "3", "--population", "20",
    "--steps", "8000,10000,12000", "--sigma", "3,1.5,0.5", "--name", "bowl", "--no-dashboard",
)  # fmt: skip
STUDIES = ("bowl/Momentum", "bowl/Adam")


def rows(folder, name):
    """All that a study found, bit for bit; times and places aside."""
    with Store.open(str(folder / "lodo-tune.db"), read_only=True) as store:
        (study,) = store.find(name)
        found = [
            (
                row.key, row.genome, dict(row.hyperparameters), row.seed, row.steps, row.status, repr(row.fitness),
                row.steps_done, row.reason, store.curve(study.id, row.key).tobytes(),
            )
            for row in store.candidates(study.id)
        ]  # fmt: skip
        return study.status, study.tuned, found


def finished(folder, name="bowl/Momentum"):
    """How many individuals of a study are done, if it is there yet."""
    if not (folder / "lodo-tune.db").exists():
        return 0
    with Store.open(str(folder / "lodo-tune.db"), read_only=True) as store:
        counts = [study.counts for study in store.studies() if study.spec.name == name]
    return sum(counts[0][status] for status in Status if status.is_final) if counts else 0


def wait_until(condition, process, seconds=120):
    """Waits for something that the process brings about."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A run with two workers that nothing disturbs: its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return folder, run(*SEARCH, "--workers", 2, "--output", "results", folder=folder)


def test_a_run_prints_the_table_and_says_on_the_way_how_it_goes(undisturbed):
    _, outcome = undisturbed
    assert outcome.code == 0, outcome.err
    assert "Hyperparameters" in outcome.out
    assert "beta_2" in outcome.out
    generations = [line for line in outcome.err.splitlines() if line.startswith("bowl/Momentum  generation")]
    assert len(generations) == 3
    assert all("20/20 done (100%)" in line for line in generations)


def test_a_run_has_exactly_its_candidates_and_all_came_to_an_end(undisturbed):
    folder, _ = undisturbed
    for name in STUDIES:
        status, _, found = rows(folder, name)
        assert status == StudyStatus.COMPLETE
        keys = [row[0] for row in found]
        assert len(keys) == len(set(keys)) == 3 * 20 + 2 * 8
        assert {key for key in keys if key.role is Role.SEARCH} == {
            Key(Role.SEARCH, generation, slot) for generation in range(3) for slot in range(20)
        }
        assert all(row[5].is_final for row in found)


def test_a_run_leaves_its_tables_configurations_and_picture(undisturbed):
    folder, _ = undisturbed
    written = {path.relative_to(folder / "results").as_posix() for path in (folder / "results").rglob("*.*")}
    assert {"table.txt", "table.md", "table.json", "table.csv", "search.png", "Momentum.json", "Adam.yaml"} <= written
    assert json.loads((folder / "results" / "table.json").read_text())


@pytest.mark.slow  # resumptions and the executors' own tests show sooner that workers change nothing
def test_one_worker_finds_what_two_find_bit_for_bit(undisturbed, tmp_path):
    assert run(*SEARCH, "--workers", 1, folder=tmp_path).code == 0
    for name in STUDIES:
        assert rows(tmp_path, name) == rows(undisturbed[0], name)


@pytest.mark.slow
def test_lodo_too_finds_the_same_with_one_worker_and_with_two(tmp_path):
    search = ("--task", "rosenbrock", "--optimizers", "LODO", "--generations", 2, "--population", 20, "--no-dashboard")
    for workers in (1, 2):
        assert run(*search, "--name", f"with-{workers}", "--workers", workers, folder=tmp_path).code == 0
    assert rows(tmp_path, "with-1/LODO") == rows(tmp_path, "with-2/LODO")


@pytest.mark.slow  # drivers are killed by tests of their own, too
@pytest.mark.faults
def test_a_run_that_is_interrupted_in_three_ways_and_resumed_finds_the_same_bit_for_bit(undisturbed, tmp_path):
    """Ctrl-C, SIGTERM and `kill -9` of the driver, each in mid-study; between them another driver is refused."""

    def both():
        return finished(tmp_path) + finished(tmp_path, "bowl/Adam")

    driver = start(*SEARCH, "--workers", 2, folder=tmp_path)
    wait_until(lambda: finished(tmp_path) >= 1, driver)
    second = run("resume", "bowl", folder=tmp_path)
    assert second.code == 73
    assert re.fullmatch(r"lodo-tune: bowl/Momentum is owned by another driver, \S+:\d+; --wait .*\n", second.err)
    driver.send_signal(signal.SIGINT)
    _, err = driver.communicate(timeout=300)
    assert driver.returncode == 130, err
    kept = both()
    assert 1 <= kept < 120
    assert err.splitlines()[-1] == (
        "lodo-tune: interrupted; finished candidates are kept. Continue with: lodo-tune resume bowl"
    )

    driver = start("resume", "bowl", "--no-dashboard", folder=tmp_path)
    wait_until(lambda: both() > kept, driver)
    driver.send_signal(signal.SIGTERM)
    _, err = driver.communicate(timeout=300)
    assert driver.returncode == 143, err
    assert "SIGTERM" not in err  # no stack of Ray's

    driver = start("resume", "bowl", "--no-dashboard", "--workers", 1, folder=tmp_path)
    wait_until(lambda: finished(tmp_path, "bowl/Adam") >= 1, driver)
    driver.kill()
    driver.communicate(timeout=300)
    assert finished(tmp_path, "bowl/Adam") < 60

    outcome = run("resume", "bowl", "--no-dashboard", folder=tmp_path)
    assert outcome.code == 0, outcome.err
    for name in STUDIES:
        assert rows(tmp_path, name) == rows(undisturbed[0], name)


@pytest.mark.slow  # the executor's own tests kill workers, too
def test_a_worker_that_is_killed_changes_nothing_but_the_attempts(undisturbed, tmp_path):
    driver = start(*SEARCH, "--workers", 2, folder=tmp_path)
    killed = []

    def kill_one():
        if not (tmp_path / "lodo-tune.db").exists():
            return False
        with Store.open(str(tmp_path / "lodo-tune.db"), read_only=True) as store:
            for study in store.studies():
                running = [one for one in store.attempts(study.id) if one.ended_at is None and one.pid]
                if running:
                    os.kill(running[0].pid, signal.SIGKILL)
                    killed.append(running[0].key)
                    return True
        return False

    wait_until(kill_one, driver)
    _, err = driver.communicate(timeout=300)
    assert driver.returncode == 0, err
    assert "attempt 1: worker crashed" in err
    with Store.open(str(tmp_path / "lodo-tune.db"), read_only=True) as store:
        (study,) = store.find("bowl/Momentum")
        tries = [one.outcome for one in store.attempts(study.id, killed[0])]
        assert tries == ["lost", "finished"] or tries == ["lost", "diverged"]
    for name in STUDIES:
        assert rows(tmp_path, name) == rows(undisturbed[0], name)


def test_a_complete_run_is_not_run_again_and_its_table_is_printed(undisturbed):
    folder, outcome = undisturbed
    again = run("resume", "bowl", folder=folder)
    assert (again.code, again.out) == (0, outcome.out)
    assert "bowl is complete" in again.err


def test_a_name_that_is_taken_is_refused_with_both_ways_out(undisturbed):
    outcome = run(*SEARCH, folder=undisturbed[0])
    assert outcome.code != 0
    assert "lodo-tune resume bowl" in outcome.err
    assert "--name" in outcome.err


def test_every_verb_reads_what_a_run_left(undisturbed):
    folder, outcome = undisturbed
    assert run("table", "bowl", folder=folder).out == outcome.out
    assert json.loads(run("table", "--json", folder=folder).out)
    assert "| Momentum" in run("table", "bowl", "--format", "markdown", folder=folder).out
    listed = run("studies", folder=folder).out
    assert all(name in listed for name in STUDIES)
    assert "generation" in run("show", "bowl/Adam", folder=folder).out
    exported = json.loads(run("export", "bowl/Momentum", folder=folder).out)
    assert exported["hyperparameters"] == rows(folder, "bowl/Momentum")[1]


def test_an_export_for_keras_makes_the_tuned_optimizer(undisturbed, tmp_path):
    import keras

    folder, _ = undisturbed
    outcome = run("export", "bowl/Adam", "--format", "keras", "--output", tmp_path / "adam.json", folder=folder)
    assert outcome.code == 0, outcome.err
    optimizer = keras.optimizers.deserialize(json.loads((tmp_path / "adam.json").read_text()))
    tuned = rows(folder, "bowl/Adam")[1]
    assert isinstance(optimizer, keras.optimizers.Adam)
    assert float(optimizer.learning_rate) == pytest.approx(tuned["learning_rate"], rel=1e-6)
    assert (optimizer.beta_1, optimizer.beta_2) == (tuned["beta_1"], tuned["beta_2"])


@pytest.mark.slow
def test_more_gpus_than_there_are_is_refused_before_anything_is_kept(tmp_path):
    outcome = run(*SEARCH, "--gpus-per-candidate", 1, folder=tmp_path)
    assert outcome.code == 2
    assert "GPU" in outcome.err.splitlines()[-1]
    with Store.open(str(tmp_path / "lodo-tune.db"), read_only=True) as store:
        assert store.studies() == []


TASK = '''
import tensorflow as tf

TARGET = 3.0


class Parabola:
    """(x - 3)² from 0, a number a lane."""

    name, dtype, cohort_size, jit_compile, layers = "parabola", "float64", 4, True, ((0, 1),)

    def __init__(self, *, dtype=None):
        self.dtype = dtype or type(self).dtype

    def initial(self, seeds):
        return tf.zeros([1, seeds.shape[0]], self.dtype), ()

    def advance(self, state, seeds, t):
        return state

    def loss_and_gradient(self, x, state):
        return tf.reduce_sum((x - TARGET) ** 2, axis=0), 2 * (x - TARGET), state
'''


@pytest.mark.slow  # the README's own task is one, too
@pytest.mark.parametrize("where", ["mine.py:Parabola", "mine:Parabola"])
def test_a_task_of_the_user_s_own_is_tuned_like_one_that_ships(tmp_path, where):
    (tmp_path / "mine.py").write_text(TASK)
    search = ("--generations", 2, "--population", 6, "--steps", 30, "--optimizers", "Momentum", "--no-dashboard")
    outcome = run("--task", where, *search, "--json", folder=tmp_path)
    assert outcome.code == 0, outcome.err
    status, _, found = rows(tmp_path, "Parabola/Momentum")
    assert status == StudyStatus.COMPLETE
    assert min(float(row[6]) for row in found) < 1e-2


HOPELESS = """
import random
import tensorflow as tf
from tasks.rosenbrock import Rosenbrock

class Hopeless(Rosenbrock):
    jit_compile = False

    def advance(self, state, seeds, t):
        with tf.control_dependencies([tf.py_function(self.give_up, [t], [])]):
            return super().advance(state, seeds, t)

    def give_up(self, t):
        if t > 1:  # later than anything is looked at before a search
            raise RuntimeError(f"no way, {random.random()}")
"""


@pytest.mark.slow
def test_a_search_of_which_nothing_finished_shows_its_table_and_does_not_end_as_a_success(tmp_path):
    (tmp_path / "hopeless.py").write_text(HOPELESS)  # each fails in words of its own, so the search goes on
    search = ("--task", "hopeless.py:Hopeless", "--preset", "quick", "--generations", 1, "--population", 2)
    outcome = run(*search, "--optimizers", "Adam", "--no-dashboard", folder=tmp_path)
    assert outcome.code == 1, outcome.err
    assert outcome.err.splitlines()[-1] == (
        "lodo-tune: Hopeless/Adam: no individual finished; 2 failed and 0 timed out"
        " (lodo-tune show Hopeless/Adam says why)"
    )
    assert "the tuned point failed in its one run" in outcome.out  # as Rosenbrock's, it depends on no seed


@pytest.mark.slow
def test_a_search_goes_on_when_nobody_reads_its_progress_any_more(tmp_path):
    driver = start("--task", "rosenbrock", "--optimizers", "Momentum", "--generations", 3, "--population", 4,
                   "--no-dashboard", folder=tmp_path)  # fmt: skip
    driver.stderr.close()
    out = driver.stdout.read()
    assert driver.wait(timeout=300) == 0
    assert "Momentum" in out
    assert finished(tmp_path, "rosenbrock/Momentum") == 12
