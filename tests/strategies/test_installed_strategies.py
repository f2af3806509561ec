"""A strategy that an installed package offers is searched with like one of ours."""

import pytest

from tuner import strategies
from tuner.core.errors import InvalidRequest
from tuner.strategies.searched import FinishedGeneration

MODULE = """
from tuner.strategies import StrategyKind
from tuner.strategies.paper import Paper
from tuner.strategies.setting import Setting


def create(*, parameters, **setting):
    return Paper(Setting(sigmas=tuple(parameters["sigmas"]), **setting))


KIND = StrategyKind(factory="offered:create", description="another name for the paper's", searched="what it saw")
NOT_A_KIND = 3
"""


@pytest.fixture(autouse=True)
def _package(tmp_path, monkeypatch):
    (tmp_path / "offered.py").write_text(MODULE)
    information = tmp_path / "offered-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: offered\nVersion: 1\n")
    (information / "entry_points.txt").write_text(
        "[lodo_tune.strategies]\nother = offered:KIND\nwrong = offered:NOT_A_KIND\nbroken = nowhere:KIND\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))


def made(name):
    return strategies.create(
        name,
        mean=[0.0],
        lower=[-1.0],
        upper=[1.0],
        population=4,
        steps=[10],
        seed=3,
        parameters={"sigmas": [0.5]},
    )


def test_its_name_is_listed_and_it_is_created_by_it():
    assert strategies.names() == ("paper", "genetic", "cma-es", "random", "nsga2", "broken", "other", "wrong")
    assert made("other").ask().genomes.tolist() == made("paper").ask().genomes.tolist()
    assert strategies.kind("other").searched == "what it saw"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wrong", "strategy wrong: offered:NOT_A_KIND is not a StrategyKind. Received: 'int'"),
        ("broken", "strategy broken: nowhere:KIND cannot be loaded: No module named 'nowhere'"),
        ("othr", r"strategy is one of .*\(did you mean 'other'\?\)\. Received: 'othr'"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(name, message):
    with pytest.raises(InvalidRequest, match=f"^{message}$"):
        strategies.kind(name)


def test_a_recorded_strategy_whose_package_is_gone_can_still_be_shown():
    kind = strategies.kind_of_record("gone")
    assert kind.description == "gone"
    assert kind.searched_fitness([FinishedGeneration(10, 2, (1.0, 2.0)), FinishedGeneration(10, 2, ())]) == 1.0
