"""Version of the database's schema, and its upgrade to the newest one.

Each database stores its version in a separate table. Alembic runs the migrations; it is imported only when there is one
to run.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy import Connection, column, inspect, select, table, text

from tuner.storage import urls
from tuner.storage.errors import Damaged, NewerSchema, NoDatabase, NotOurs, OlderSchema

VERSION_TABLE = "lodo_tune_version"  # not Alembic's default name, which may be taken in a shared database
VERSION = "0009"  # of the newest migration; four digits, increasing
MIGRATIONS = "tuner.storage:migrations"

_CREATION_LOCK = 0x4C4F444F  # key of PostgreSQL's advisory lock: one process at a time creates the tables


def upgrade(connection: Connection) -> None:
    """Upgrade the schema to the newest version, entirely or not at all, within the caller's transaction.

    Args:
        connection: In a writing transaction; the database is empty, or has the schema of this or an earlier version.

    Raises:
        NotOurs: The database holds tables of another program.
        NewerSchema: The database was created by a later version of this program.
        Damaged: The version cannot be read.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CREATION_LOCK})
    version = read_version(connection)
    if version == VERSION:
        return
    if version is not None:
        check_not_newer(connection, version)

    from alembic import command
    from alembic.config import Config

    log = logging.getLogger("alembic")
    if log.level == logging.NOTSET:  # a user's code may show what others log; SQLAlchemy does the same with its own
        log.setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def is_current(connection: Connection, *, read_only: bool) -> bool:
    """Return whether the schema is the newest; False if it has to be upgraded.

    Raises:
        NoDatabase: The database is opened read-only, and is empty.
        NotOurs: The database holds tables of another program.
        NewerSchema: The database was created by a later version of this program.
        OlderSchema: The database is opened read-only, and its schema is older.
        Damaged: The version cannot be read.
    """
    version = read_version(connection)
    if version == VERSION:
        return True
    if version is not None:
        check_not_newer(connection, version)
    if read_only:
        if version is None:
            raise NoDatabase(f"{_place(connection)} is empty: no study was ever run in it")
        raise OlderSchema(
            f"{_place(connection)} has schema {version}, and this version of lodo-tune reads {VERSION}; "
            "upgrade it with 'lodo-tune database upgrade'"
        )
    return False


def read_version(connection: Connection) -> str | None:
    """Return the version of the schema; None for an empty database.

    Raises:
        NotOurs: The database holds tables of another program.
        Damaged: The table of the version does not hold exactly one version.
    """
    names = inspect(connection).get_table_names()
    if VERSION_TABLE not in names:
        if names:
            raise NotOurs(
                f"{_place(connection)} holds tables of another program ({', '.join(sorted(names)[:3])}); "
                "name another database"
            )
        return None
    rows: Sequence[object] = connection.scalars(select(column("version_num")).select_from(table(VERSION_TABLE))).all()
    if len(rows) != 1 or not (isinstance(rows[0], str) and rows[0].isascii() and rows[0].isdigit()):
        raise Damaged(f"{_place(connection)} is damaged: its table {VERSION_TABLE} does not hold one version number")
    return rows[0]


def check_not_newer(connection: Connection, version: str) -> None:
    """Check that a schema is not newer than the newest one that this program knows.

    Raises:
        NewerSchema: The schema is newer.
    """
    if int(version) > int(VERSION):
        raise NewerSchema(
            f"{_place(connection)} has schema {version}, created by a later version of lodo-tune; "
            f"this version knows schemas up to {VERSION}: update lodo-tune, or name another database"
        )


def _place(connection: Connection) -> str:
    return f"the database {urls.shown(connection.engine.url)}"
