"""Schema of the database: which version it has, and how it is brought to ours.

Each database carries its version in a table of its own. Alembic runs the migrations, and is imported only when there is
one to run: a reader needs nothing but the number.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, column, inspect, select, table, text

from tuner.storage import urls
from tuner.storage.errors import Damaged, NewerSchema, NoDatabase, NotOurs, OlderSchema

VERSION_TABLE = "lodo_tune_version"  # not Alembic's usual name, which a database shared with others may hold already
VERSION = "0003"  # the newest migration; versions are four digits and only grow
MIGRATIONS = "tuner.storage:migrations"

_CREATION_LOCK = 0x4C4F444F  # PostgreSQL's advisory lock: one process at a time makes the tables


def upgrade(connection: Connection) -> None:
    """Bring the schema to our version, within the caller's transaction: afterwards it is old or new, never between.

    Args:
        connection: Within a writing transaction; it sees an empty database, or one of ours of any version up to now.

    Raises:
        NotOurs: the database holds tables of another program.
        NewerSchema: a later version of this program made it.
        Damaged: its version is unreadable.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CREATION_LOCK})
    version = read_version(connection)
    if version == VERSION:
        return
    if version is not None:
        refuse_newer(connection, version)

    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def is_current(connection: Connection, *, read_only: bool) -> bool:
    """Return whether the schema is ours; False if it is to be brought there.

    Raises:
        NoDatabase: it is opened for reading, and empty.
        NotOurs: it holds tables of another program.
        NewerSchema: a later version of this program made it.
        OlderSchema: it is opened for reading, and older.
        Damaged: its version is unreadable.
    """
    version = read_version(connection)
    if version == VERSION:
        return True
    if version is not None:
        refuse_newer(connection, version)
    if read_only:
        if version is None:
            raise NoDatabase(f"{_place(connection)} is empty: no study was ever run in it")
        raise OlderSchema(
            f"{_place(connection)} has schema {version}, and this version of lodo-tune reads {VERSION}; "
            "lodo-tune database upgrade brings it up to date"
        )
    return False


def read_version(connection: Connection) -> str | None:
    """Return the version of the schema, or None for an empty database.

    Raises:
        NotOurs: there are tables, but not ours.
        Damaged: the version's table does not hold one version.
    """
    names = inspect(connection).get_table_names()
    if VERSION_TABLE not in names:
        if names:
            raise NotOurs(
                f"{_place(connection)} holds tables of another program ({', '.join(sorted(names)[:3])}); name another"
            )
        return None
    rows: Sequence[object] = connection.scalars(select(column("version_num")).select_from(table(VERSION_TABLE))).all()
    if len(rows) != 1 or not (isinstance(rows[0], str) and rows[0].isascii() and rows[0].isdigit()):
        raise Damaged(f"{_place(connection)} is damaged: its table {VERSION_TABLE} does not hold one version number")
    return rows[0]


def refuse_newer(connection: Connection, version: str) -> None:
    """Refuse a version that this program does not know.

    Raises:
        NewerSchema: it does not.
    """
    if int(version) > int(VERSION):
        raise NewerSchema(
            f"{_place(connection)} has schema {version}, made by a later version of lodo-tune; "
            f"this one knows up to {VERSION}: update lodo-tune, or name another database"
        )


def _place(connection: Connection) -> str:
    return f"the database {urls.shown(connection.engine.url)}"
