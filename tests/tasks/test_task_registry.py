"""How tasks are named, found and loaded, and what is said when that fails."""

from __future__ import annotations

import importlib
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import TaskError
from tasks.preset import Preset
from tasks.registry import TASKS, entry, is_own, load, name_of, register
from tasks.task import METHODS

SOUND = '''
class Mine:
    """A task of my own.

    More of it.
    """

    cohort_size = 4

    def initial(self, seeds): ...
    def advance(self, state, seeds, t): ...
    def loss_and_gradient(self, x, state): ...


class NotATask:
    def initial(self, seeds): ...


def mine(): ...
'''


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "my_task.py"
    file.write_text(SOUND)
    return file


def test_the_registry_loads_neither_tensorflow_nor_keras_nor_numpy() -> None:
    code = "import sys, tasks.registry, tasks.task; print({'tensorflow', 'keras', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_data_sets_load_neither_tensorflow_nor_keras() -> None:
    code = "import sys, tasks.datasets; print({'tensorflow', 'keras', 'mlxtend'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_line_ups_are_the_papers() -> None:  # the table of its section on tasks
    published = {
        "noisy-quadratic-bowl": (
            *("Momentum", "RMSprop", "Adam", "Yogi", "L-BFGS", "O-LBFGS", "BFGS", "Levenberg-Marquardt", "LODO"),
        ),
        "pixelcnn": (
            *("Momentum", "RMSprop", "Adam", "LARS", "Yogi", "LODO"),
            *("LODO-Diagonal", "LODO-Global", "LODO-Residuals", "LODO-No-Momentum", "LODO-SGD"),
        ),
        "resnet18-cifar10": ("Momentum", "RMSprop", "Adam", "LARS", "Yogi", "LODO"),
        "rosenbrock": ("Momentum", "RMSprop", "Adam", "Yogi", "LODO"),
    }
    assert {name: TASKS[name].line_up for name in published} == published


def test_paper_presets_spend_the_papers_budgets() -> None:
    # Sums over generations of individuals × T_g, worked out by hand from the paper's schedules.
    published = {
        "noisy-quadratic-bowl": 32 * (100 + 300 + 1_000 + 70_000),
        "pixelcnn": 32 * (4_000 + 3_000 + 2_000 + 3_000 + 5_000 + 8_000),
        "resnet18-cifar10": 16 * (250 + 60 + 100 + 200 + 300 + 500),
        "rosenbrock": 32 * 2_000,
    }
    for name, spent in published.items():
        preset = TASKS[name].presets["paper"]
        assert preset.population * sum(preset.steps) == spent


@pytest.mark.parametrize("name", TASKS)
def test_paper_presets_are_ten_generations_of_32_or_16_over_the_whole_line_up(name: str) -> None:
    preset = TASKS[name].presets["paper"]
    assert (preset.generations, preset.population) == (10, 16 if name == "resnet18-cifar10" else 32)
    assert preset.optimizers == TASKS[name].line_up
    assert dict(preset.options) == {}
    falling = (3, 3, 3, 3, 2, 1.7, 1.4, 1.2, 0.9, 0.6)
    assert preset.sigmas == ((3, 3, 3, 2.5, 2, 1.5, 1, 0.75, 0.5, 0.3) if name == "rosenbrock" else falling)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_quick_preset_within_its_line_up(name: str) -> None:
    quick, paper = TASKS[name].presets["quick"], TASKS[name].presets["paper"]
    assert set(quick.optimizers) <= set(TASKS[name].line_up)
    assert quick.population * sum(quick.steps) < paper.population * sum(paper.steps) / 3


@pytest.mark.parametrize(("received", "nearest"), [("rosenbrok", "rosenbrock"), ("PixelCNN", "pixelcnn")])
def test_an_unknown_task_is_answered_with_the_nearest_name(received: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=f"Did you mean '{nearest}'.*Received: '{received}'"):
        entry(received)


def test_an_unknown_task_that_is_near_to_none_is_answered_with_all() -> None:
    with pytest.raises(
        ValueError, match=r"^Unknown task. Tasks: noisy-quadratic-bowl, pixelcnn, resnet18-cifar10, rosenbrock; or"
    ):
        load("zzz")


def test_a_users_task_is_loaded_from_a_file_once(path: Path) -> None:
    found = load(f"{path}:Mine")
    assert found.__name__ == "Mine"
    assert load(f"{path}:Mine") is found
    assert sys.modules[found.__module__].Mine is found  # as pickle looks it up


def test_a_users_task_is_loaded_from_a_relative_path(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    assert load("my_task.py:Mine") is load(f"{path}:Mine")


def test_a_users_task_is_loaded_from_a_module_of_the_working_directory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path.parent / "my_package").mkdir()
    path.rename(path.parent / "my_package" / "own.py")
    monkeypatch.chdir(path.parent)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert load("my_package.own:Mine").__module__ == "my_package.own"


def test_a_users_task_may_import_what_stands_beside_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (path.parent / "beside_my_task.py").write_text("size = 7\n")
    path.write_text("from beside_my_task import size\n" + SOUND + "Mine.size = size\n")
    assert load(f"{path}:Mine").size == 7


def test_two_files_of_one_name_do_not_clash(path: Path) -> None:
    other = path.parent / "elsewhere" / path.name
    other.parent.mkdir()
    other.write_text(SOUND)
    assert load(f"{other}:Mine") is not load(f"{path}:Mine")


def test_the_entry_of_a_users_task_comes_from_its_class(path: Path) -> None:
    found = entry(f"{path}:Mine")
    assert (found.where, found.summary, found.cohort_size) == (f"{path}:Mine", "A task of my own.", 4)
    assert found.dataset is None
    assert found.presets["paper"].population == 32


def test_a_users_task_may_bring_its_own_presets(path: Path) -> None:
    path.write_text(SOUND + "Mine.presets = {'paper': 'mine'}\nMine.line_up = ['Adam']\nMine.dataset = 'mnist'\n")
    found = entry(f"{path}:Mine")
    assert (found.presets, found.line_up, found.dataset) == ({"paper": "mine"}, ("Adam",), "mnist")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import json\n1 / 0\n", r"my_task.py raises on import: ZeroDivisionError: division by zero \(line 2\)"),
        ("import not_there\n", r"my_task.py raises on import: ModuleNotFoundError: No module named 'not_there'"),
        ("raise SystemExit(3)\n", r"my_task.py raises on import: SystemExit: 3 \(line 1\)"),
        ("def f(:\n", r"my_task.py raises on import: SyntaxError: invalid syntax"),
        ("raise ValueError('two\\nlines')\n", r"ValueError: two lines \(line 1\)$"),
    ],
)
def test_a_file_that_raises_on_import_is_reported_with_the_exception(path: Path, text: str, message: str) -> None:
    path.write_text(text)
    with pytest.raises(TaskError, match=message) as caught:
        load(f"{path}:Mine")
    assert caught.value.__cause__ is not None
    assert "\n" not in str(caught.value)


def test_a_module_that_never_ends_is_reported_where_it_hangs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.importing.MAX_IMPORT_SECONDS", 0.3)
    path.write_text("import time\nwhile True:\n    time.sleep(0.01)\n")
    with pytest.raises(
        TaskError, match=r"my_task.py raises on import: TimeoutError: it takes over 0.3 s; .*\(line 3\)"
    ):
        load(f"{path}:Mine")
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_file_that_raised_is_imported_anew_once_it_is_mended(path: Path) -> None:
    path.write_text("1 / 0\n")
    with pytest.raises(TaskError):
        load(f"{path}:Mine")
    path.write_text(SOUND + "# mended, and of another length\n")
    assert load(f"{path}:Mine").__name__ == "Mine"


def test_a_module_that_raises_on_import_is_reported_with_its_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path.parent / "raises_on_import.py").write_text("\n1 / 0\n")
    monkeypatch.chdir(path.parent)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(TaskError, match=r"raises_on_import.py raises on import: ZeroDivisionError.*\(line 2\)"):
        load("raises_on_import:Mine")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Mime", r"has no class 'Mime'. Did you mean 'Mine'\?"),
        ("Zzzzz", r"has no class 'Zzzzz'. It has Mine, NotATask\."),
        ("NotATask", r"is not a Task: it has no method advance, loss_and_gradient"),
        ("mine", r"is not a task but a function; .*MyTask = function_task\(mine, start=\[\.\.\.\]\)"),
    ],
)
def test_a_wrong_class_is_reported_with_what_there_is(path: Path, name: str, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        load(f"{path}:{name}")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("not_there.py:Mine", "There is no file .*not_there.py"),
        ("no.such.module:Mine", "There is no module 'no.such.module'"),
        ("tasks.no_such:Mine", "There is no module 'tasks.no_such'"),
        (":Mine", "'package.module:NAME'.*Received: ':Mine'"),
        ("tasks.preset:", "'package.module:NAME'.*Received: 'tasks.preset:'"),
        ("folder/file.txt:Mine", "There is no file"),
    ],
)
def test_a_wrong_place_is_reported(where: str, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        load(where)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"generations": 0}, "`generations` is at least 1. Received: 0"),
        ({"population": 0}, "`population` is at least 1. Received: 0"),
        ({"fresh_seeds": -1}, "`fresh_seeds` is at least 0. Received: -1"),
        ({"sigmas": (1.0,)}, "`sigmas` has one entry per generation, 2 here"),
        ({"steps": (1, 2, 3)}, "`steps` has one entry per generation, 2 here"),
        ({"sigmas": (1.0, 0.0)}, "`sigmas` are finite and positive"),
        ({"sigmas": (1.0, float("nan"))}, "`sigmas` are finite and positive"),
        ({"steps": (1, 0)}, "`steps` are at least 1"),
        ({"optimizers": ()}, "at least one optimizer"),
    ],
)
def test_a_preset_that_makes_no_sense_is_refused(change: dict[str, object], message: str) -> None:
    sound = {
        **{"generations": 2, "population": 4, "sigmas": (2.0, 1.0), "steps": (10, 20)},
        **{"fresh_seeds": 0, "optimizers": ("Adam",)},
    }
    Preset(**sound)
    with pytest.raises(ValueError, match=message):
        Preset(**{**sound, **change})


@pytest.fixture
def session_tasks(monkeypatch: pytest.MonkeyPatch) -> dict[str, type]:
    """The tasks that are registered in this process, for this test alone."""
    tasks: dict[str, type] = {}
    monkeypatch.setattr("tasks.importing._session_objects", tasks)
    return tasks


def task_class(kind: str, module: str, **members: object) -> Any:
    methods = {method: lambda self, *arguments: None for method in METHODS}
    return type(kind, (), {**methods, "__module__": module, **members})


@pytest.mark.usefixtures("session_tasks")
@pytest.mark.parametrize("given", ["Mine", "session:Mine"])
def test_a_registered_class_is_loaded_by_its_session_name(given: str) -> None:
    kind = task_class("Mine", "__main__", __doc__="Of a notebook.", cohort_size=3)
    assert register(given, kind) == "session:Mine"
    assert load("session:Mine") is kind
    assert is_own("session:Mine")
    found = entry("session:Mine")
    assert (found.where, found.summary, found.cohort_size) == ("session:Mine", "Of a notebook.", 3)


@pytest.mark.usefixtures("session_tasks")
def test_registering_a_name_again_replaces_the_class() -> None:
    register("Mine", task_class("Mine", "__main__"))
    later = task_class("Mine", "__main__")
    register("Mine", later)
    assert load("session:Mine") is later


@pytest.mark.parametrize("find", [load, entry])
def test_a_session_task_that_is_not_registered_must_be_passed_again(find: Any) -> None:
    with pytest.raises(ValueError, match=r"'session:Gone' was defined in an interactive .* pass its class again"):
        find("session:Gone")


def test_only_tasks_can_be_registered(session_tasks: dict[str, type]) -> None:
    for wrong in (task_class("Mine", "__main__")(), lambda x: x, object):
        with pytest.raises(TaskError, match="session:Mine is not a"):
            register("Mine", wrong)
    assert session_tasks == {}


@pytest.mark.parametrize("name", TASKS)
def test_the_class_of_a_built_in_task_has_the_tasks_name(name: str) -> None:
    assert name_of(load(name)) == name


def test_a_name_is_its_own_name() -> None:
    assert name_of("package.module:Mine") == "package.module:Mine"


def test_a_class_of_an_importable_module_is_named_by_the_module_and_loaded_from_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path.parent / "importable_task.py").write_text(SOUND + "Other = type('Inner', (Mine,), {})\n")
    monkeypatch.syspath_prepend(path.parent)
    module = importlib.import_module("importable_task")
    assert name_of(module.Mine) == "importable_task:Mine"
    assert load("importable_task:Mine") is module.Mine
    assert name_of(module.Other) == "importable_task:Other"  # by the variable that holds it


def test_a_class_of_a_file_that_is_not_on_the_path_is_named_by_its_file(path: Path) -> None:
    name = f"{path}:Mine"
    assert name_of(load(name)) == name


def test_a_class_that_another_process_cannot_import_has_a_session_name(monkeypatch: pytest.MonkeyPatch) -> None:
    script = sys.modules["__main__"]
    monkeypatch.setattr(script, "Mine", task_class("Mine", "__main__"), raising=False)
    monkeypatch.setattr(script, "assigned", task_class("FunctionTask", "__main__", name="my-loss"), raising=False)
    assert name_of(script.Mine) == "session:Mine"
    assert name_of(script.assigned) == "session:assigned"
    assert name_of(task_class("FunctionTask", "__main__", name="my-loss")) == "session:my-loss"
    assert name_of(task_class("Local", __name__)) == "session:Local"
    assert name_of(task_class("Typed", "module_of_a_notebook_that_is_gone")) == "session:Typed"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (task_class("Mine", "__main__")(), "is not a task but of type Mine; .*Give the class, Mine"),
        (lambda x: x, "<lambda> is not a task but a function; a task is function_task"),
        (object, "object is not a Task: it has no method initial, advance"),
        (7, "an instance of int is not a task but of type int"),
        (None, "is not a task but of type NoneType"),
    ],
)
def test_what_is_not_a_task_has_no_name(given: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        name_of(given)
