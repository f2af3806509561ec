"""Studies of users' own optimizers in the database: the place of the class is stored, and other rows are unchanged."""

import sqlite3
from dataclasses import replace

import pytest

from tests.support.store_values import spec
from tuner.storage import Store
from tuner.storage.errors import Damaged

PLACE = "/there/mine.py:Mine"


def own(place=PLACE, **further):
    """A specification of a search of a user's own optimizer."""
    plain = spec(optimizer="Mine")
    return replace(
        plain,
        workload=replace(plain.workload, optimizer_place=place),
        space={**plain.space, "place": PLACE, **further},
    )


def test_the_place_and_fixed_hyperparameters_come_back_as_they_were(tmp_path):
    with Store.open(str(tmp_path / "a.db")) as store:
        study = store.create_study(own(fixed={"momentum": 0.9}, registered="mine>Mine"))
        assert store.find("run")[0].spec == study.spec == own(fixed={"momentum": 0.9}, registered="mine>Mine")
        assert study.spec.workload.places == ("rosenbrock", PLACE)


def test_a_place_that_is_not_that_of_the_space_is_refused(tmp_path):
    message = "the place of an optimizer's class is stored with its search space"
    with Store.open(str(tmp_path / "a.db")) as store, pytest.raises(ValueError, match=message):
        store.create_study(own(place="/elsewhere/mine.py:Mine"))


def test_a_place_that_is_not_a_text_is_reported_as_damage(tmp_path):
    with Store.open(str(tmp_path / "a.db")) as store:
        store.create_study(own())
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("update studies set space = json_set(space, '$.place', 7)")
    message = "run/Mine is damaged: its space is not a search space"
    with Store.open(str(tmp_path / "a.db"), read_only=True) as store, pytest.raises(Damaged, match=message):
        store.find("run")
