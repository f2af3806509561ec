"""Creation, upgrade and check of the schema."""

from __future__ import annotations

import logging
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from tests.support.command_line import call
from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import driven, evaluation, key, observations
from tuner.storage import NewerSchema, OlderSchema, StorageError, Store, migrations, schema, tables

NEWEST = schema.VERSION
LATER = f"{int(NEWEST) + 1:04}"
MIGRATION = '''
"""A later migration, for the tests."""
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "{later}", "{newest}", None, None


def upgrade():
    with op.batch_alter_table("candidates", recreate="{recreate}") as batch:
        batch.add_column(sa.Column("colour", sa.String(8), nullable=False, server_default="red"))
    op.create_table("extra", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("UPDATE candidates SET colour = 'blue'")
    {ending}
'''


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'studies.db'}"
    server: Server = request.getfixturevalue("postgresql_server")
    return server.url(server.create_database())


@pytest.fixture
def later_migration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Add a version to the program, and yield the path at which a test writes the migration to it."""
    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, folder)
    monkeypatch.setattr(schema, "MIGRATIONS", str(folder))
    monkeypatch.setattr(schema, "VERSION", LATER)
    return folder / "versions" / f"{LATER}_later.py"


def migration(*, ending: str = "pass", recreate: str = "auto") -> str:
    return MIGRATION.format(later=LATER, newest=NEWEST, ending=ending, recreate=recreate)


def migration_context(url: str) -> MigrationContext:
    """Return Alembic's context for a database, without the store."""
    connection = create_engine(url.replace("postgresql://", "postgresql+psycopg://")).connect()
    options = {"compare_type": True, "compare_server_default": True, "version_table": schema.VERSION_TABLE}
    return MigrationContext.configure(connection, opts=options)


def version(url: str) -> str | None:
    context = migration_context(url)
    assert context.connection is not None
    with context.connection as connection:
        return schema.read_version(connection)


def fill_database(url: str) -> None:
    """Create a database with a study, a candidate and its result."""
    with Store.open(url) as store:
        study, epoch = driven(store, add=[key()])
        store.record(study, epoch, [evaluation(key(), observations=observations(key()))])


def test_the_migrated_schema_matches_the_tables(url: str) -> None:
    Store.open(url).close()
    context = migration_context(url)
    assert context.connection is not None
    with context.connection:
        assert compare_metadata(context, tables.metadata) == []


def test_migrations_log_nothing_where_a_user_s_code_shows_what_others_log(tmp_path, caplog, monkeypatch) -> None:
    monkeypatch.setattr(logging.getLogger("alembic"), "level", logging.NOTSET)
    for logger in (logging.getLogger("alembic"), logging.getLogger("alembic.runtime.migration")):
        logger.manager._clear_cache()
    with caplog.at_level(logging.INFO):
        Store.open(str(tmp_path / "studies.db")).close()
    assert caplog.text == ""


def test_migrated_and_created_sqlite_tables_have_the_same_definitions(tmp_path: Path) -> None:
    """The test above compares neither check constraints nor names of keys; SQLite stores the complete statements."""

    def definitions(path: Path) -> dict[str, list[str]]:
        with sqlite3.connect(path) as connection:
            rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        # The order of columns and constraints does not matter, nor do line ends: SQLite adds a column to the last line.
        return {
            name: sorted(
                part.strip(" \n)").replace('"', "") for part in re.split(r",\s*\n\s*|(?<!'), (?=\w+ [A-Z])", sql)
            )
            for name, sql in rows
            if name != schema.VERSION_TABLE
        }

    Store.open(str(tmp_path / "migrated.db")).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'created.db'}")
    tables.metadata.create_all(engine)
    engine.dispose()
    migrated, created = definitions(tmp_path / "migrated.db"), definitions(tmp_path / "created.db")
    assert set(migrated) == set(created)
    for name in created:
        assert migrated[name] == created[name]


def test_the_schema_version_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", schema.MIGRATIONS)
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [schema.VERSION]


@pytest.mark.parametrize("recreate", ["auto", "always"])
def test_upgrading_from_the_previous_version_keeps_all_rows(url: str, later_migration: Path, recreate: str) -> None:
    """SQLite copies the table, and dropping the original would delete all rows that refer to it."""
    with pytest.MonkeyPatch.context() as before:
        before.setattr(schema, "VERSION", NEWEST)
        fill_database(url)
    later_migration.write_text(migration(recreate=recreate if url.startswith("sqlite") else "auto"))
    with pytest.raises(OlderSchema, match=NEWEST):
        Store.open(url, read_only=True)
    assert call("database", "upgrade", "--database", url).code == 0
    with Store.open(url) as store:
        study = store.studies()[0]
        assert [each.fitness for each in store.candidates(study.id)] == [0.5]
        assert store.curve(study.id, key()).size == 20
        assert len(store.attempts(study.id, key())) == 1
        with store._writing() as connection:
            if url.startswith("sqlite"):
                assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
    assert version(url) == LATER
    with Store.open(url, read_only=True) as store:
        assert len(store.studies()) == 1
    if url.startswith("sqlite"):
        assert version(f"{url}.schema-{NEWEST}.backup") == NEWEST


@pytest.mark.parametrize("ending", ["raise RuntimeError('half way')", "op.execute('SELECT no_such_function()')"])
def test_a_failed_migration_leaves_the_old_database_unchanged(url: str, later_migration: Path, ending: str) -> None:
    with pytest.MonkeyPatch.context() as before:
        before.setattr(schema, "VERSION", NEWEST)
        fill_database(url)
    later_migration.write_text(migration(ending=ending))
    with pytest.raises((RuntimeError, StorageError)):
        Store.open(url)
    with pytest.MonkeyPatch.context() as before:
        before.setattr(schema, "VERSION", NEWEST)
        assert version(url) == NEWEST
        context = migration_context(url)
        assert context.connection is not None
        with context.connection:
            assert compare_metadata(context, tables.metadata) == []
        with Store.open(url) as store:  # and it still works
            driven(store, "next", add=[key()])
            assert [each.fitness for each in store.candidates(1)] == [0.5]


def test_a_command_that_writes_upgrades_an_older_database(url: str, later_migration: Path) -> None:
    with pytest.MonkeyPatch.context() as before:
        before.setattr(schema, "VERSION", NEWEST)
        fill_database(url)
        with Store.open(url) as store:
            store.release(1, 1, "interrupted")
    later_migration.write_text(migration())
    outcome = call("studies", "--database", url)
    assert outcome.code == 1
    assert "upgrade it with 'lodo-tune database upgrade'" in outcome.err
    outcome = call("database", "delete-study", "run", "--yes", "--database", url)
    assert (outcome.code, outcome.out) == (0, "run/Adam: deleted\n")
    assert version(url) == LATER


def test_a_newer_schema_is_refused_with_advice_to_update_lodo_tune(url: str) -> None:
    fill_database(url)
    context = migration_context(url)
    assert context.connection is not None
    with context.connection as connection, connection.begin():
        connection.exec_driver_sql(f"UPDATE {schema.VERSION_TABLE} SET version_num = '{LATER}'")
    for read_only in (True, False):
        with pytest.raises(NewerSchema, match=rf"schema {LATER}.*update lodo-tune"):
            Store.open(url, read_only=read_only)
    assert version(url) == LATER


def test_downgrading_below_the_first_version_removes_all_tables(tmp_path: Path) -> None:
    from alembic import command

    path = tmp_path / "studies.db"
    Store.open(str(path)).close()
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", schema.MIGRATIONS)
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    engine.dispose()
    with sqlite3.connect(path) as connection_:
        remaining = connection_.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    assert remaining == [(schema.VERSION_TABLE,)]


def test_deleting_a_study_row_deletes_its_candidates_and_results(url: str) -> None:
    """The foreign keys delete the dependent rows, also on SQLite, where each connection has to enable them."""
    fill_database(url)
    with Store.open(url) as store:
        driven(store, "other", add=[key()])
        with store._writing() as connection:
            connection.execute(tables.studies.delete().where(tables.studies.c.run == "run"))
        with store._reading() as connection:
            for table, remaining in (
                (tables.candidates, 1),
                (tables.attempts, 0),
                (tables.evaluations, 0),
                (tables.curves, 0),
                (tables.observations, 0),
            ):
                assert len(connection.execute(table.select()).all()) == remaining, table.name
        # Ids are not reused: a driver of the deleted study cannot write to a new one.
        assert driven(store, "run", add=[key()])[0] == 3
