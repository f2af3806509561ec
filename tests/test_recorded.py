"""The command line gives what it gave when tests/recorded was recorded, and resumes what was interrupted then."""

from __future__ import annotations

import copy
import itertools
import json
import warnings
from typing import Any

import pytest

from tests.recorded import EXPECTED, FOLDER, RUNS
from tests.recorded.differences import exact, loose
from tests.recorded.machine import machine
from tests.recorded.replay import Replay

QUICK = {"train-rosenbrock"}
SHOWN = 5  # differences of a failure


def record(name: str) -> dict[str, Any]:
    """Read what was recorded of a run."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def part(recorded: dict[str, Any]) -> dict[str, Any]:
    """Return what the run left, without the machine and the command."""
    return {key: recorded[key] for key in ("printed", "studies") if key in recorded}


def check(name: str, found: dict[str, Any]) -> None:
    """Compare what a run left with what was recorded, as strictly as this machine permits."""
    recorded = record(name)
    elsewhere = [*exact(recorded["machine"], machine())]
    if elsewhere:
        warnings.warn(f"{name} was compared loosely, not bit for bit, on this machine: {elsewhere}", stacklevel=2)
    compare = loose if elsewhere else exact
    differences = [*itertools.islice(compare(part(recorded), json.loads(json.dumps(found))), SHOWN)]
    assert not differences, f"{name} differs from tests/recorded/{name}.json:\n" + "\n".join(differences)


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """One folder in which all runs are made, so that comparisons find their searches."""
    return Replay(tmp_path_factory.mktemp("replay"))


@pytest.mark.ray
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in sorted(RUNS)]
)
def test_a_run_gives_what_was_recorded_of_it(replay: Replay, name: str) -> None:
    check(name, replay.of(name))


@pytest.mark.ray
@pytest.mark.parametrize("kind", ["search", pytest.param("comparison", marks=pytest.mark.slow)])
def test_a_run_that_was_interrupted_then_resumes_to_the_end_recorded(
    tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    check(EXPECTED[kind], Replay(tmp_path_factory.mktemp(kind)).resume(kind))


def test_every_run_is_recorded_with_its_command() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(RUNS)
    for name, run in RUNS.items():
        assert record(name)["command"] == json.loads(json.dumps(run.commands)), name


def test_recorded_studies_are_complete_and_have_every_kind_of_row() -> None:
    studies = [study for name in RUNS for study in record(name).get("studies", [])]
    candidates = [candidate for study in studies for candidate in study["candidates"]]
    assert {study["status"] for study in studies} == {"complete"}
    assert {candidate["status"] for candidate in candidates} == {"finished", "diverged"}
    assert {candidate["losses"]["dtype"] for candidate in candidates} == {"float32", "float64"}
    assert {split for candidate in candidates for split in candidate.get("observations", ())} >= {"validation", "test"}


def one_changed(field: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the record of the search on the bowl, and the same with one number of one candidate a little different."""
    recorded = part(record("bowl"))
    found = copy.deepcopy(recorded)
    candidate = next(one for one in found["studies"][0]["candidates"] if one["candidate"] == "search 0/0")
    place = candidate["evaluation"] if field == "fitness" else candidate
    place[field] = place[field] * (1 + 1e-15) if field == "fitness" else place[field] + 1
    return recorded, found


@pytest.mark.parametrize(("field", "where"), [("seed", "seed"), ("fitness", "evaluation: fitness")])
def test_one_changed_number_is_named_with_its_candidate(field: str, where: str) -> None:
    (difference,) = exact(*one_changed(field))
    assert difference.startswith(f"studies: bowl/LODO: candidates: search 0/0: {where}: recorded ")


def test_on_another_machine_the_last_bits_may_differ_and_seeds_may_not() -> None:
    assert not [*loose(*one_changed("fitness"))]
    assert [*loose(*one_changed("seed"))]


@pytest.mark.parametrize("name", sorted(RUNS))
def test_loosely_a_record_is_like_itself(name: str) -> None:
    recorded = part(record(name))
    assert not [*loose(recorded, copy.deepcopy(recorded))]
