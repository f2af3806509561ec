"""Databases of earlier versions can be read and upgraded, on SQLite and PostgreSQL."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.frozen import FOLDER, contents, fill
from tests.support.command_line import call
from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import ME, evaluation, key
from tuner.storage import ServiceStore, schema

VERSIONS = sorted(path.stem for path in FOLDER.glob("*.db"))


def test_every_schema_version_has_a_frozen_database() -> None:
    migrations = Path(schema.__file__).with_name("migrations") / "versions"
    assert sorted(path.name[:4] for path in migrations.glob("0*.py")) == VERSIONS
    assert VERSIONS[-1] == schema.VERSION
    assert sorted(path.stem for path in FOLDER.glob("*.sql")) == VERSIONS


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def thawed(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Return a function from a version to the URL of a database that it wrote."""

    def of(version: str) -> str:
        if request.param == "sqlite":
            shutil.copy(FOLDER / f"{version}.db", tmp_path / f"{version}.db")
            return str(tmp_path / f"{version}.db")
        server: Server = request.getfixturevalue("postgresql_server")
        name = server.create_database()
        server.execute(name, (FOLDER / f"{version}.sql").read_text(encoding="utf-8"))
        return server.url(name)

    return of


@pytest.mark.parametrize("version", VERSIONS)
def test_a_frozen_database_is_upgraded_without_loss_and_can_be_resumed(
    thawed: Any, version: str, tmp_path: Path
) -> None:
    url = thawed(version)
    outcome = call("database", "upgrade", "--database", url)
    assert outcome.code == 0, outcome.err
    with ServiceStore.open(str(tmp_path / "today.db")) as today, ServiceStore.open(url) as store:
        fill(today, version)
        assert contents(store) == contents(today)
        assert store.check() == today.check()  # also in that `fill` trains fewer fresh seeds than a study should
        study = store.find("interrupted")[0].id
        epoch = store.acquire(study, owner=ME)
        assert store.record(study, epoch, [evaluation(key(1))]) == [True]
