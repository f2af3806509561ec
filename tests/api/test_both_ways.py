"""Each verb by the command line and by the API: the same rows, the same JSON, the same files."""

import json
import re

import pytest

import tuner
from tests.support.command_line import call
from tests.support.in_process import without_ray
from tests.support.report_values import database
from tuner.storage import Store

SEARCH = ("--task", "rosenbrock", "--optimizers", "Momentum,Adam", "--generations", 2, "--population", 5,
          "--steps", "20,30", "--sigma", 1, "--seed", 3, "--name", "valley")  # fmt: skip
LINE = "tests.support.regression:Line"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LODO_TUNE_DATABASE", raising=False)
    with without_ray():
        yield tmp_path


def tuned(**others):
    return tuner.tune(
        "rosenbrock", ["Momentum", "Adam"], generations=2, population=5, steps=[20, 30], sigma=1.0, seed=3,
        name="valley", progress=False, **others,
    )  # fmt: skip


def command(*arguments):
    outcome = call(*arguments)
    assert outcome.code == 0, outcome.err
    return outcome.out


def rows(url, name):
    """All that a run found, bit for bit; times aside."""
    with Store.open(url, read_only=True) as store:
        return [
            (study.spec.name, study.status, study.tuned, row.key, row.genome, dict(row.hyperparameters), row.seed,
             row.steps, row.status, repr(row.fitness), store.curve(study.id, row.key).tobytes())
            for study in store.find(name)
            for row in store.candidates(study.id)
        ]  # fmt: skip


def without_seconds(value):
    """A JSON document without what a clock says."""
    if isinstance(value, dict):
        return {name: without_seconds(of) for name, of in value.items() if "second" not in name}
    return list(map(without_seconds, value)) if isinstance(value, list) else value


def test_a_search(folder):
    printed = command(*SEARCH, "--database", "line.db", "--json", "--output", "line")
    run = tuned(database="python.db")
    assert rows("line.db", "valley") == rows("python.db", "valley")
    assert without_seconds(json.loads(printed)) == without_seconds(json.loads(run.table().to_json()))
    run.save("python")
    for file in ("search.png", "Adam.yaml"):
        line, python = ((folder / of / file).read_bytes() for of in ("line", "python"))
        assert re.sub(b"_at: .*", b"", line) == re.sub(b"_at: .*", b"", python)


def test_a_search_and_a_comparison_by_another_objective():
    objective = "evaluations-to:validation.accuracy>=0.9"
    small = ("--task", LINE, "--optimizers", "Adam", "--generations", 1, "--population", 3, "--steps", 20)
    printed = command(*small, "--objective", objective, "--name", "line", "--database", "line.db", "--json")
    run = tuner.tune(
        LINE, "Adam", generations=1, population=3, steps=20, objective=objective, name="line", database="python.db",
        progress=False,
    )  # fmt: skip
    assert rows("line.db", "line") == rows("python.db", "line")
    assert without_seconds(json.loads(printed)) == without_seconds(json.loads(run.table().to_json()))
    compare = ("compare", "--task", LINE, "--defaults", "--optimizers", "Adam", "--seeds", 2, "--steps", 20)
    command(*compare, "--objective", "validation.loss:best", "--name", "a", "--database", "line.db")
    tuner.compare(
        task=LINE, optimizers="Adam", defaults=True, seeds=2, steps=20, objective="validation.loss:best", name="a",
        database="python.db", progress=False,
    )  # fmt: skip
    assert rows("line.db", "a") == rows("python.db", "a")


def test_a_comparison_of_a_search_and_one_of_the_defaults():
    run = tuned()
    command("compare", "--task", "rosenbrock", "--from", "valley", "--steps", 40, "--seeds", 3, "--name", "line")
    comparison = tuner.compare(run, steps=40, seeds=3, name="python", progress=False)
    assert [row[3:] for row in rows("lodo-tune.db", "line")] == [row[3:] for row in rows("lodo-tune.db", "python")]
    printed = json.loads(command("table", "line", "--json").replace('"line', '"python'))
    assert (
        without_seconds(printed)["comparisons"][0]["contenders"]
        == (without_seconds(json.loads(comparison.table().to_json()))["comparisons"][0]["contenders"])
    )
    command("compare", "--task", "rosenbrock", "--defaults", "--optimizers", "Yogi", "--seeds", 2, "--name", "a")
    tuner.compare(task="rosenbrock", optimizers="Yogi", defaults=True, seeds=2, name="b", progress=False)
    assert [row[3:] for row in rows("lodo-tune.db", "a")] == [row[3:] for row in rows("lodo-tune.db", "b")]


def test_a_run_that_is_interrupted_and_resumed():
    class Interrupting(tuner.Callback):
        def on_batch_begin(self, name, budget, keys):
            if name == "generation 1":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        tuned(database="python.db", callback=Interrupting)
    assert caught.value.__notes__ == [
        "Finished candidates are kept. Continue with tuner.resume('valley', database='sqlite:///python.db')"
    ]
    with open("python.db", "rb") as kept, open("line.db", "wb") as copy:
        copy.write(kept.read())
    assert 5 <= len(rows("line.db", "valley")) < 2 * 26
    run = tuner.resume("valley", "python.db", progress=False)
    assert run.is_complete
    command("resume", "valley", "--database", "line.db")
    tuned(database="whole.db")
    assert rows("python.db", "valley") == rows("line.db", "valley") == rows("whole.db", "valley")


def test_the_paper_s_protocol():
    arguments = ("paper", "--task", "rosenbrock", "--optimizers", "Momentum", "--scale", 0.1)
    command(*arguments, "--database", "line.db", "--output", "out")
    found = tuner.paper("rosenbrock", "Momentum", scale=0.1, database="python.db", progress=False)
    for run in found:
        assert rows("line.db", run.name) == rows("python.db", run.name)


@pytest.mark.parametrize(
    ("flags", "arguments"),
    [
        (("--optimizer", "Adam", "--seeds", 2), {"optimizer": "Adam", "seeds": [0, 1]}),
        (
            ("--optimizer", "LODO-Diagonal", "--track", "hessian-error", "--seed", 5),
            {"optimizer": "LODO-Diagonal", "track": "hessian-error", "seeds": 5},
        ),
        (
            ("--optimizer", "Momentum", "--set", "learning_rate=0.02", "--precision", "float32"),
            {"optimizer": "Momentum", "hyperparameters": {"learning_rate": 0.02}, "precision": "float32"},
        ),
    ],
)
def test_training(flags, arguments):
    printed = command("train", "--task", "rosenbrock", *flags, "--steps", 40, "--curve", "--json")
    result = tuner.train("rosenbrock", **arguments, steps=40)
    assert without_seconds(json.loads(printed)) == without_seconds(result.to_dict())
    assert result.losses.shape == (len(result.runs), 40)


def test_training_with_validation_into_a_folder_and_the_evaluation_of_it():
    flags = ("--optimizer", "Adam", "--set", "learning_rate=0.05", "--steps", 30, "--validate-every", 10)
    printed = command("train", "--task", LINE, *flags, "--output", "line", "--json", "--curve")
    result = tuner.train(
        LINE, "Adam", hyperparameters={"learning_rate": 0.05}, steps=30, validate_every=10, output="python"
    )
    assert without_seconds(json.loads(printed)) == without_seconds(result.to_dict())
    (run,) = result.runs
    assert run.validation_points == (0, 10, 20, 30)
    evaluated = tuner.evaluate("python", examples=9, seed=2)
    assert json.loads(command("evaluate", "line", "--examples", 9, "--seed", 2, "--json")) == evaluated.to_dict()
    assert evaluated.runs[0].values.shape == (9, 2)


def test_what_is_read_from_a_database(folder):
    place = tuner.open_database(database(folder / "lodo-tune.db"))
    for format in ("text", "markdown", "latex", "json"):
        assert command("table", "--format", format) == place.table().to_format(format) + "\n"
        assert command("table", "second", "--format", format) == place.run("second").table().to_format(format) + "\n"
    assert command("table", "first", "--format", "csv") == place.run("first").table().to_csv() + "\n"
    for format in ("text", "json"):
        assert command("studies", "--format", format) == place.listing(format) + "\n"
        for name in ("first/Adam", "second/LODO"):
            (study,) = place.run(name)
            assert command("show", name, "--format", format) == study.details(format) + "\n"
    for format in ("json", "yaml", "keras"):
        assert command("export", "first/Adam", "--format", format) == place.run("first").export("Adam", format)
    command("figures", "--output", "line")
    drawn = place.figures()
    assert {file.name: file.read_bytes() for file in (folder / "line").iterdir()} == drawn
    command("report", "--output", "line.html")
    place.report("python.html")
    assert place.run("first").report("one.html").read_text().count("Fairness ledger") == 1
    line, python = ((folder / f"{name}.html").read_text() for name in ("line", "python"))
    assert "lodo-tune --task" in line
    assert "lodo-tune --task" not in python


def test_what_is_done_to_a_database(folder):
    for name in ("line", "python"):
        database(folder / f"{name}.db")
    place = tuner.open_database("python.db")
    found = place.check()
    assert f"{found.studies} studies, {found.candidates} candidates" in command(
        "database", "check", "--database", "line.db"
    )
    assert place.upgrade() is None
    assert f"has schema {place.schema}, the newest" in command("database", "upgrade", "--database", "line.db")
    command("database", "backup", "line-backup.db", "--database", "line.db")
    place.back_up("python-backup.db")
    command("database", "copy", "line.db", "line-copy.db", "first")
    assert list(place.copy_to(tuner.open_database("python-copy.db"), "first")) == [
        ("first/Adam", True), ("first/LODO", True),
    ]  # fmt: skip
    command("database", "export", "first", "--tensorboard", "line", "--database", "line.db")
    assert list(place.to_tensorboard("python", "first")) == [("first/Adam", 12), ("first/LODO", 12)]
    written = [sum(1 for _ in (folder / of).rglob("events*")) for of in ("line", "python")]
    assert written[0] == written[1] >= 24
    command("database", "delete-study", "first", "--yes", "--database", "line.db")
    assert place.delete("first") == ["first/Adam", "first/LODO"]
    for suffix in ("", "-backup", "-copy"):
        names = [
            [study.name for study in tuner.open_database(f"{of}{suffix}.db").studies()] for of in ("line", "python")
        ]
        assert names[0] == names[1]


def test_an_error_names_the_flag_on_the_command_line_and_the_argument_in_python():
    assert "--steps takes whole numbers, at least 1. Received: 0" in call("--task", "rosenbrock", "--steps", 0).err
    with pytest.raises(tuner.InvalidRequest, match=r"^steps takes whole numbers, at least 1\. Received: 0$") as caught:
        tuner.tune("rosenbrock", steps=0)
    assert (caught.value.field, isinstance(caught.value, ValueError)) == ("steps", True)
    assert "--defaults and --from exclude" in call("compare", "--task", "rosenbrock", "--defaults", "--from", "a").err
    with pytest.raises(tuner.InvalidRequest, match=r"^defaults and search exclude each other$"):
        tuner.compare("a", task="rosenbrock", defaults=True)
