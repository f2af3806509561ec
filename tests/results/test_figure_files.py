"""Figures as files: three formats, the same bytes for the same records, and `lodo-tune figures`."""

import itertools
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.support.builders import ADAM, run, search, spec, study
from tests.support.command_line import call
from tests.support.store_values import comparison, driven, evaluation, key, observations
from tuner.core.files import NotWritten
from tuner.core.trial import Role
from tuner.results.figures import FIGURES_OF_COMPARISON, FIGURES_OF_SEARCH, rendered, save
from tuner.results.figures.fitness import fitness_by_generation
from tuner.storage import Store

BEGINNINGS = {"png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-", "svg": b"<?xml "}


@pytest.fixture(scope="module")
def figure():
    return fitness_by_generation([(study(), search(spec(), (4.0, 3.0, 2.0, 1.0)))])


@pytest.mark.parametrize("format", BEGINNINGS)
def test_a_figure_is_written_in_the_format_that_its_name_ends_in_and_again_byte_by_byte(format, figure, tmp_path):
    save(figure, tmp_path / f"it.{format}")
    content = (tmp_path / f"it.{format}").read_bytes()
    assert content.startswith(BEGINNINGS[format])
    assert rendered(fitness_by_generation([(study(), search(spec(), (4.0, 3.0, 2.0, 1.0)))]), format) == content
    assert [path.name for path in tmp_path.iterdir()] == [f"it.{format}"]


def test_what_cannot_be_written_leaves_nothing_behind_and_what_stands_there_as_it_was(figure, tmp_path):
    (tmp_path / "it.png").write_text("mine")
    with pytest.raises(NotWritten, match="exists"):
        save(figure, tmp_path / "it.png", overwrite=False)
    with pytest.raises(ValueError, match=r"no format of this name.*png, pdf, svg\. Received: 'gif'"):
        save(figure, tmp_path / "it.gif")
    with pytest.raises(NotWritten, match="cannot write"):
        save(figure, tmp_path / "nowhere" / "it.png")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("it.png", "mine")]


def test_kinds_have_names_for_files_of_their_own_and_captions():
    kinds = (*FIGURES_OF_SEARCH, *FIGURES_OF_COMPARISON)
    assert len({kind.name for kind in kinds}) == len(kinds)
    assert all(kind.caption.endswith(".") and kind.title for kind in kinds)


@pytest.mark.parametrize(
    ("backend", "file"),
    [
        ("module://matplotlib_inline.backend_inline", b""),  # what a notebook sets
        ("nonsense", b"text.usetex: True\nsavefig.bbox: tight\nsvg.fonttype: none\n"),
        ("", "font.family: Café\n".encode("latin-1")),  # Matplotlib refuses to be imported
    ],
)
def test_settings_of_matplotlib_for_other_programs_change_no_byte(backend, file, database, tmp_path):
    (tmp_path / "matplotlibrc").write_bytes(file)
    arguments = ("figures", "hunt", "--format", "png,svg", "--database", database)
    assert call(*arguments, "--output", tmp_path / "expected").code == 0
    command = [sys.executable, "-m", "tuner.cli", *map(str, arguments), "--output", "found"]
    found = subprocess.run(command, cwd=tmp_path, env=os.environ | {"MPLBACKEND": backend}, capture_output=True)
    assert found.returncode == 0, found.stderr
    expected = {path.name: path.read_bytes() for path in (tmp_path / "expected").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "found").iterdir()} == expected


@pytest.fixture
def database(tmp_path):
    """A database with a search and a comparison, three runs each."""
    path = tmp_path / "studies.db"
    with Store.open(str(path)) as store:
        for name, role, more in (
            ("hunt", Role.SEARCH, {"generations": 1}),
            ("contest", Role.COMPARISON, {"make": comparison}),
        ):
            places = [key(slot, 0, role) for slot in range(3)]
            id, epoch = driven(store, name, add=places, **more)
            store.record(id, epoch, [evaluation(at, observations=observations(at)) for at in places])
    return path


def test_the_command_draws_what_there_is_into_a_folder_and_prints_the_names(database, tmp_path):
    outcome = call("figures", "--output", tmp_path / "drawn", "--format", "svg,png", "--database", database)
    assert outcome.code == 0, outcome.err
    names = {path.name for path in (tmp_path / "drawn").iterdir()}
    assert {"hunt-search.png", "hunt-search.svg", "contest-learning-by-steps.png", "contest-validation.svg"} <= names
    assert "contest-trajectories.png" not in names  # none was kept
    assert {line.rpartition("/")[2] for line in outcome.out.splitlines()} == names
    one = call("figures", "contest/Adam", "--output", tmp_path / "one", "--database", database)
    assert all(path.name.startswith("contest-") and path.suffix == ".png" for path in (tmp_path / "one").iterdir())
    assert one.code == 0


def test_searches_of_all_runs_are_drawn_by_budget_in_one_figure(database, tmp_path):
    options = ("--by-budget", "--output", tmp_path / "drawn", "--format", "svg,png", "--database", database)
    outcome = call("figures", *options)
    assert outcome.code == 0, outcome.err
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["by-budget.png", "by-budget.svg"]
    refused = call("figures", "contest", *options, "--force")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "lodo-tune: --by-budget takes searches. Received: contest, a comparison\n"


def test_comparisons_of_all_runs_are_drawn_as_profiles_in_one_figure(tmp_path):
    path, places = tmp_path / "studies.db", [key(slot, 0, Role.COMPARISON) for slot in range(3)]
    with Store.open(str(path)) as store:
        for name, optimizer in itertools.product(("one", "two"), ("Adam", "LODO")):
            id, epoch = driven(store, name, add=places, make=comparison, optimizer=optimizer)
            store.record(id, epoch, [evaluation(at) for at in places])
    outcome = call("figures", "--profile", "--output", tmp_path / "drawn", "--database", path)
    assert outcome.code == 0, outcome.err
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == ["profile.png"]
    printed = call("table", "one", "two", "--profile", "--database", path)
    assert (printed.code, printed.out.splitlines()[0]) == (0, "one, two: performance profiles")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hunt", "--profile"), "--profile takes comparisons. Received: hunt, a search"),
        (("--profile", "--by-budget"), "--profile and --by-budget exclude each other"),
        (("contest", "--profile"), "--profile takes comparisons with two or more optimizers in common. Received: Adam"),
    ],
)
def test_profiles_of_anything_else_are_refused_in_one_line(database, arguments, said):
    outcome = call("table", *arguments, "--database", database)
    assert (outcome.code, outcome.out, outcome.err) == (2, "", f"lodo-tune: {said}\n")


def test_bad_input_is_one_line_and_writes_nothing(database, tmp_path):
    drawn = tmp_path / "drawn"
    for arguments, code, said in (
        (("hunt", "--output", drawn, "--format", "gif"), 2, "Accepted: png, pdf, svg. Received: 'gif'"),
        (("hund", "--output", drawn), 1, "hunt"),  # as of every verb that names a study that there is not
        (("hunt", "--output", database), 2, "is not a folder"),
        (("hunt",), 2, "--output"),
    ):
        outcome = call("figures", *arguments, "--database", database)
        assert (outcome.code, outcome.out) == (code, "")
        assert said in outcome.err
        assert len(outcome.err.splitlines()) == 1
    assert not drawn.exists()


def test_a_figure_that_is_there_is_replaced_only_by_force(database, tmp_path):
    drawn = tmp_path / "drawn"
    drawn.mkdir()
    (drawn / "hunt-search-parallel.png").write_text("mine")
    again = ("figures", "hunt", "--output", drawn, "--database", database)
    refused = call(*again)
    assert refused.code == 2
    assert (
        "hunt-search-parallel.png exists; name another folder, or give --force to replace 1 such files" in refused.err
    )
    assert [path.read_text() for path in drawn.iterdir()] == ["mine"]
    assert call(*again, "--force").code == 0
    assert (drawn / "hunt-search-parallel.png").read_bytes().startswith(BEGINNINGS["png"])


def test_a_figure_that_fails_does_not_prevent_the_others(database, tmp_path, monkeypatch):
    drawn = tmp_path / "drawn"
    arguments = ("figures", "hunt", "--output", drawn, "--database", database)
    with monkeypatch.context() as patch:
        patch.setattr("tuner.results.figures.fitness.panel_figure", lambda *_, **__: 1 / 0)  # of the first kind
        outcome = call(*arguments)
    assert outcome.code == 1
    assert outcome.err == f"lodo-tune: {drawn}/hunt-search.png was not written: division by zero\n"
    kept = {path.name for path in drawn.iterdir()}
    assert {line.rpartition("/")[2] for line in outcome.out.splitlines()} == kept
    assert call(*arguments, "--force").code == 0
    assert {path.name for path in drawn.iterdir()} == kept | {"hunt-search.png"}


def test_an_interruption_keeps_what_is_drawn_already(database, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    *drawn, last = [kind for kind in FIGURES_OF_SEARCH if kind.name != "search-surrogate"][:4]  # every search has these
    last = replace(last, function=interrupt)
    monkeypatch.setattr("tuner.results.figures.kinds.FIGURES_OF_SEARCH", (*drawn, last))
    outcome = call("figures", "hunt", "--output", tmp_path / "drawn", "--database", database)
    assert outcome.code == 130
    names = {f"hunt-{kind.name}.png" for kind in drawn}
    assert {path.name for path in (tmp_path / "drawn").iterdir()} == names


def test_where_there_is_nothing_to_draw_it_says_so(tmp_path):
    with Store.open(str(tmp_path / "studies.db")) as store:
        driven(store, "begun")
    outcome = call("figures", "begun", "--output", tmp_path / "drawn", "--database", tmp_path / "studies.db")
    assert (outcome.code, "begun has nothing to draw yet" in outcome.err) == (2, True)
    assert not (tmp_path / "drawn").exists()


def test_neither_ray_nor_tensorflow_nor_pyplot_is_loaded(database, tmp_path):
    program = (
        "import sys; from tuner import cli\n"
        f"sys.argv = ['lodo-tune', 'figures', '--output', {str(tmp_path / 'drawn')!r}, '--database', '{database}']\n"
        "try:\n    cli.main()\n"
        "except SystemExit as end:\n"
        "    heavy = {'ray', 'tensorflow', 'keras', 'matplotlib.pyplot'} & set(sys.modules)\n"
        "    print('code', end.code, sorted(heavy), file=sys.__stdout__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "code 0 []"


@pytest.mark.parametrize(("slots", "is_picture"), [(3_001, True), (300, False)])
def test_a_cloud_of_thousands_of_marks_is_a_picture_in_a_vector_format_and_no_text_is(slots, is_picture):
    of = spec(ADAM, steps=(200,), population=slots)
    runs = [run(Role.SEARCH, 0, slot, 1.0 + slot / slots) for slot in range(slots)]
    content = rendered(fitness_by_generation([(study(of), runs)]), "svg")
    assert (b"<image" in content) == is_picture
    assert content.count(b"<use") < 1_000  # ticks and letters, and marks of a small search
    assert len(content) < 300_000  # 3,001 marks one by one have 400,000
