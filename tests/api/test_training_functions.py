"""Searches on a training function: the same as on a built-in task."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys

import pytest

import tuner
from tests.results.test_optuna import fill
from tests.support import toy_functions
from tests.support.command_line import call
from tests.support.in_process import without_ray
from tuner.checks.examination import examine
from tuner.checks.function_suite import CHECKS
from tuner.core.errors import InvalidRequest
from tuner.core.study import StudyStatus

SPACE = tuner.space(
    rate=tuner.log(1e-4, low=1e-6, high=1.0),
    net=tuner.choice("shallow", "deep", "wide"),
    layers=tuner.integer(1, low=1, high=5, only_when={"net": "deep"}),
    data="digits",
)
PLACE = "tests.support.toy_functions:quadratic"
SIZE = {"generations": 5, "population": 8, "steps": [2, 4, 4, 4, 4]}


def tuned(database, **changes):
    with without_ray():
        arguments = {"space": SPACE, "database": database, "progress": False, **SIZE, **changes}
        return tuner.tune(toy_functions.quadratic, **arguments)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tuned(str(tmp_path_factory.mktemp("function") / "studies.db"))


def test_a_study_is_labelled_by_the_name_of_its_function(run):
    (study,) = run
    assert (run.name, study.name, study.optimizer) == ("quadratic", "quadratic/quadratic", "quadratic")
    assert study.spec.workload.task == PLACE
    assert study.spec.strategy == "genetic"
    assert study.status == StudyStatus.COMPLETE


def test_the_search_finds_what_the_function_rewards_in_every_kind_of_hyperparameter(run):
    found = run["quadratic"].tuned
    assert found["net"] == "deep"
    assert found["layers"] in (2, 3, 4)
    assert 1e-3 < found["rate"] < 0.1
    assert found["data"] == "digits"
    assert run["quadratic"].summary().verdict.value == "better"


def test_trials_have_a_column_per_hyperparameter_and_none_without_effect(run):
    frame = run.trials()
    assert set(frame.net) == {"shallow", "deep", "wide"}
    assert frame[frame.net != "deep"].layers.isna().all()
    assert frame[frame.net == "deep"].layers.notna().all()
    assert (frame.status == "finished").all()


def test_reports_and_output_of_a_candidate_are_kept(run):
    reports = run["quadratic"].reports("g02/s03")
    assert list(reports.columns) == ["step", "seconds", "loss", "accuracy"]
    assert reports.step.tolist() == [1, 2, 3, 4]
    row = run.trials().query("role == 'search' and generation == 2 and slot == 3").iloc[0]
    assert row.fitness == reports.loss.iloc[-1]
    assert run["quadratic"].output("g02/s03").startswith("far ")
    assert run["quadratic"].output("tuned/0").startswith("far ")
    with pytest.raises(InvalidRequest, match=r"candidate is a generation and a slot, as in g03/s07, .* Received: 'g2'"):
        run["quadratic"].output("g2")


def test_tables_count_steps_and_show_each_value(run):
    text = str(run.table())
    assert "Validation loss at the end of 4 steps" in text
    assert "gradient evaluations" not in text
    assert "not tuned: data digits" in text
    details = json.loads(run.table(details=True).to_json())
    notes = {row["name"]: row["tolerance"]["note"] for row in details["studies"][0]["hyperparameters"]}
    assert notes["net"] == "a choice has no interval"


@pytest.mark.parametrize("kind", ["population", "sharpness", "parallel", "surrogate"])
def test_figures_draw_categories_and_whole_numbers(run, kind):
    figure = run.figure(f"search-{kind}")
    texts = [each.get_text() for axes in figure.axes for each in (*axes.get_xticklabels(), *axes.get_yticklabels())]
    texts += [each.get_text() for axes in figure.axes for each in axes.texts]
    assert {"shallow", "wide"} <= set(texts)


def test_exports_carry_every_kind_and_libraries_refuse(run):
    assert "net: deep" in run["quadratic"].export("yaml")
    with pytest.raises(ValueError, match="the format 'torch' has no quadratic"):
        run["quadratic"].export("torch")


def test_the_command_prints_what_a_candidate_printed(run):
    outcome = call("logs", "quadratic/quadratic", "g02/s03", "--database", run.database.url)
    assert outcome.out == run["quadratic"].output("g02/s03")
    outcome = call("logs", "quadratic", "g99/s00", "--database", run.database.url)
    assert (outcome.code, "quadratic has no candidate (search, generation 99" in outcome.err) == (1, True)


def test_the_command_says_where_there_is_no_output(tmp_path):
    fill(tmp_path / "studies.db")
    outcome = call("logs", "bowl/Adam", "g01/s03", "--database", tmp_path / "studies.db")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "g01/s03 has printed nothing, or has not ended\n")


def test_an_interrupted_search_goes_on_to_the_same_result(run, tmp_path):
    class Interrupt(tuner.Callback):
        def on_batch_begin(self, name, budget, keys):
            if name == "generation 3":
                raise KeyboardInterrupt

    database = str(tmp_path / "studies.db")
    with pytest.raises(KeyboardInterrupt):
        tuned(database, callback=Interrupt)
    with without_ray():
        resumed = tuner.resume("quadratic", database=database, progress=False)
    assert resumed["quadratic"].tuned == run["quadratic"].tuned
    columns = ["role", "generation", "slot", "fitness", "rate", "net", "layers", "seed"]
    assert resumed.trials()[columns].equals(run.trials()[columns])


def test_another_code_refuses_to_go_on(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "def train(hyperparameters, *, budget, report):\n    report(budget, loss=hyperparameters['rate'])\n"
    )
    database = str(tmp_path / "studies.db")

    class Interrupt(tuner.Callback):
        def on_batch_begin(self, name, budget, keys):
            if name == "generation 1":
                raise KeyboardInterrupt

    with without_ray():
        with pytest.raises(KeyboardInterrupt):
            tuner.tune(f"{file}:train", space=SPACE, database=database, progress=False, callback=Interrupt, **SIZE)
        moved = tmp_path / "moved.py"
        moved.write_text(file.read_text().replace("['rate']", "['rate'] + 1"))
        with pytest.raises(InvalidRequest, match=r"other code of the function \(the function itself changed\)"):
            tuner.resume("train", database=database, task=f"{moved}:train", progress=False)


READING = """
from pathlib import Path

def train(hyperparameters, *, budget, report):
    text = (Path(__file__).parent / "data" / "numbers.txt").read_text()
    report(budget, loss=hyperparameters["rate"] + float(text))

train.files = ["data"]
"""


class InterruptInTheSecondGeneration(tuner.Callback):
    """Stops a search that has trained one generation."""

    def on_batch_begin(self, name, budget, keys):
        if name == "generation 1":
            raise KeyboardInterrupt


def test_files_that_a_function_names_must_not_change_unless_the_results_may_say_so(tmp_path):
    (tmp_path / "data").mkdir()
    data = tmp_path / "data" / "numbers.txt"
    data.write_text("1.0")
    (tmp_path / "reads.py").write_text(READING)
    database, place = str(tmp_path / "studies.db"), f"{tmp_path / 'reads.py'}:train"
    given = {"space": SPACE, "database": database, "progress": False, **SIZE}
    with without_ray():
        with pytest.raises(KeyboardInterrupt):
            tuner.tune(place, callback=InterruptInTheSecondGeneration, **given)
        (study,) = tuner.open_database(database).run("train")
        expected = hashlib.sha256(b"1.0").hexdigest()
        assert study.spec.workload.code["function"]["data"] == {"data/numbers.txt": expected}
        assert "data/numbers.txt " + expected[:12] in call("show", "train", "--database", database).out
        data.write_text("2.0")
        changed = r"other data of the function \(data/numbers\.txt changed\)"
        with pytest.raises(InvalidRequest, match=changed):
            tuner.resume("train", database=database, progress=False)
        resumed = tuner.resume("train", database=database, accept_changes=True, progress=False)
    assert re.search(changed, str(call("show", "train", "--database", database).out).replace("\n", " "))
    searched = resumed.trials().query("role == 'search'").sort_values("generation").fitness
    assert searched.iloc[0] < 2.0 < 2.0 + 1e-6 <= searched.iloc[-1]  # the rate, and 1.0 or 2.0


def test_files_that_change_while_a_function_is_tuned_end_the_search(tmp_path):
    file = tmp_path / "changes.py"
    file.write_text(
        READING.replace("    report(", "    Path(__file__).with_name('data').joinpath('b').touch()\n    report(")
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "numbers.txt").write_text("1.0")
    given = {"space": SPACE, "database": str(tmp_path / "studies.db"), "progress": False, **SIZE}
    with (
        without_ray(),
        pytest.raises(tuner.LodoTuneError, match=r"other data of the function \(data/b added\): files that"),
    ):
        tuner.tune(f"{file}:train", **given)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('"a.npy"', r"train\.files is a list of paths of files, such as \['data\.npy'\]\. Received: 'a\.npy'"),
        ("[1]", r"train\.files is a list of paths of files.* Received: \[1\]"),
        ("3", r"train\.files is a list of paths of files.* Received: 3"),
        ('["missing.npy"]', r"train\.files: .*/missing\.npy cannot be read: No such file or directory"),
    ],
)
def test_files_that_cannot_be_read_are_refused_before_anything_is_trained(tmp_path, value, message):
    (tmp_path / "wrong.py").write_text(READING.replace('["data"]', value))
    with pytest.raises(ValueError, match=message) as caught:
        tuner.tune(f"{tmp_path / 'wrong.py'}:train", space=SPACE, database=str(tmp_path / "a.db"), **SIZE)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "a.db").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizers": "Adam"}, "optimizers: a training function has none"),
        ({"options": {"n": 1}}, "options: a training function has none"),
        ({"precision": "float32"}, "precision: a training function has none"),
        ({"objective": "training-loss"}, "objective of a training function is one of what it reports, such as"),
        ({"strategy": "cma-es"}, "strategy: cma-es does not search net, which is a choice without an order"),
        ({"strategy": "paper"}, "strategy: paper does not search net"),
        ({"space": None}, "search_spaces: quadratic has none: give a file, write quadratic.yaml beside"),
    ],
)
def test_what_has_no_meaning_for_a_function_is_refused_in_one_line(tmp_path, changes, message):
    with pytest.raises(InvalidRequest, match=message):
        tuned(str(tmp_path / "studies.db"), **changes)
    assert not (tmp_path / "studies.db").exists()


def test_a_function_is_tuned_alone_and_can_only_be_tuned(tmp_path):
    with pytest.raises(InvalidRequest, match="task: a training function is tuned alone"):
        tuner.tune([PLACE, "rosenbrock"], space=SPACE, database=str(tmp_path / "studies.db"))
    with pytest.raises(ValueError, match="is a training function: training functions can only be tuned"):
        tuner.train(PLACE, "Adam", steps=2)
    with pytest.raises(InvalidRequest, match="space is for one optimizer; give files for several"):
        tuner.tune("rosenbrock", space=SPACE, database=str(tmp_path / "studies.db"))


def test_a_function_with_other_arguments_is_refused():
    with pytest.raises(ValueError, match=r"a training function is def train\(hyperparameters, \*, seed, budget"):
        tuner.tune(toy_functions.wrong, space=SPACE)


def test_a_function_of_this_process_alone_is_sent_by_value_and_hashed(tmp_path):
    def local(hyperparameters, *, budget, report):
        report(budget, loss=hyperparameters["rate"])

    with without_ray():
        run = tuner.tune(local, space=SPACE, database=str(tmp_path / "studies.db"), progress=False, **SIZE)
    (study,) = run
    assert study.spec.workload.task == "session:local"
    assert list(study.spec.workload.code["function"]["files"]) == ["(main)"]


def test_other_objectives_read_what_is_reported(tmp_path):
    run = tuned(str(tmp_path / "a.db"), objective="validation.accuracy", generations=2, steps=3, name="accuracy")
    study = run["quadratic"]
    assert study.spec.workload.objective.direction == "max"
    reports = study.reports("g01/s02")
    fitness = run.trials().query("role == 'search' and generation == 1 and slot == 2").fitness.item()
    assert fitness == reports.accuracy.iloc[-1]
    text = "evaluations-to:validation.accuracy>=0.05"
    run = tuned(str(tmp_path / "a.db"), objective=text, generations=2, steps=3, name="target")
    stopped = [run["quadratic"].reports(f"g01/s{slot:02d}") for slot in range(8)]
    assert any(len(reports) == 1 and reports.accuracy.iloc[0] >= 0.05 for reports in stopped)  # StopTraining


def test_the_check_runs_a_function_twice_and_reports_what_does_not_repeat():
    from tuner.api.functions import function_probe

    good = list(examine([function_probe(PLACE, "quick", SPACE)], CHECKS))
    assert [each.verdict.value for each in good] == ["passed"] * 4
    assert good[1].note == 'its code; data that it reads are not, unless quadratic.files = ["data.npy"] names them'
    bad = list(examine([function_probe("tests.support.toy_functions:drifting", "quick", SPACE)], CHECKS))
    assert [each.verdict.value for each in bad] == ["passed", "passed", "failed", "passed"]
    assert "make all of its random numbers from `seed`" in bad[2].note
    same = list(examine([function_probe("tests.support.toy_functions:takes_none", "quick", SPACE)], CHECKS))
    assert same[3].note.startswith(
        "another seed gives the same reports: fresh seeds then show no spread; with is_random"
    )


def test_a_function_that_says_in_error_that_nothing_depends_on_the_seed_fails_the_check(monkeypatch):
    from tests.support import toy_functions
    from tuner.api.functions import function_probe

    monkeypatch.setattr(toy_functions.quadratic, "is_random", False, raising=False)
    found = list(examine([function_probe(PLACE, "quick", SPACE)], CHECKS))
    assert (found[3].check.name, found[3].verdict.value) == ("another-seed", "failed")
    assert "is_random is False: no run depends on its seed" in found[3].note


def test_planning_a_search_on_a_function_does_not_load_tensorflow():
    program = (
        "import sys, tuner\n"
        "from tuner.studies.planner import SearchRequest, plan_search\n"
        "space = tuner.space(rate=tuner.log(0.1))\n"
        f"(spec,) = plan_search(SearchRequest(task={PLACE!r}, space=space)).specs\n"
        "print(spec.workload.is_function, sorted({'tensorflow', 'keras', 'ray', 'deap'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n"
