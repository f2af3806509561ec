"""The training functions of the guide that need a library: they train, and repeat themselves."""

import sys
from pathlib import Path

import numpy as np
import pytest

from search_spaces.space import SearchSpace
from tasks.training_function import is_declared
from tuner.checks.examination import examine
from tuner.checks.function_suite import CHECKS, FunctionProbe
from tuner.studies.planner import SearchRequest, plan_search

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import sessions  # noqa: E402

GUIDE = (ROOT / "docs/guides/training-function.md").read_text(encoding="utf-8")
FILES = {step.name: step.text for step in sessions.steps(GUIDE) if isinstance(step, sessions.File)}


@pytest.mark.parametrize(
    ("name", "libraries"),
    [("ridge.py", ()), ("reads.py", ()), ("outside.py", ()), ("forest.py", ("sklearn",)), ("network.py", ("torch",))],
)
def test_an_example_trains_to_its_budget_and_repeats_itself(name, libraries, tmp_path):
    for library in libraries:
        pytest.importorskip(library)
    for file, text in FILES.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    np.save(tmp_path / "d.npy", np.arange(5.0))
    (tmp_path / "conf.json").write_text('{"start": 1.0}')
    place = f"{tmp_path / name}:train"
    assert is_declared(place)
    (spec,) = plan_search(SearchRequest(task=place, preset="quick", steps=(3,))).specs
    probe = FunctionProbe(spec.workload, SearchSpace.from_dict(spec.space).defaults(), spec.steps[-1])
    found = {each.check.name: (each.verdict.value, each.note) for each in examine([probe], CHECKS)}
    assert found["finishes"][0] == "passed", found
    assert found["same-seed"][0] == "passed", found
    assert found["another-seed"] == ("passed", ""), found
