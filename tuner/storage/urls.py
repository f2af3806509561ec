"""URLs of databases: what is accepted, and how one is shown without its secrets."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote_plus

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tuner.storage.errors import BadUrl

ACCEPTED = "accepted are a file name, sqlite:///FILE and postgresql://USER@HOST:PORT/DATABASE"
MASK = "***"

# Options that are shown; what another holds may be a secret by a name of which nobody has thought.
_SHOWN = re.compile(
    "host|hostaddr|port|user|dbname|service|ssl(mode|rootcert)|application_name|connect_timeout|options"
    "|target_session_attrs|client_encoding"
)
# What is meant as a URL, or as libpq's list of options, and would become the name of a file.
_NO_FILE = re.compile(
    r"postgres\w*(\+\w+)?:|[^/]*:[^/]*@|.*:.*@.*/|(.*\s)?(host|hostaddr|port|dbname|user|password|passfile)\s*=",
    re.I | re.S,
)


def parse(text: str) -> URL:
    """Parse the URL of a database; a bare path is a SQLite file.

    Raises:
        BadUrl: it is neither a path nor a URL of SQLite or PostgreSQL. The text itself is not repeated: it may hold a
            password.
    """
    if not text or "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise BadUrl(f"the database's URL is empty or holds NUL or lone surrogates; {ACCEPTED}")
    if "://" not in text and _NO_FILE.match(text):
        raise BadUrl(f"what is given as the database is neither the name of a file nor a URL; {ACCEPTED}")
    if "://" not in text:
        return URL.create("sqlite", database=text)
    if text.partition("?")[0].count("@") > 1:
        raise BadUrl(f"the database's URL holds more than one '@'; within a password it is written %40; {ACCEPTED}")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # a port that is no number is a ValueError
        # Without its cause, which quotes the URL.
        raise BadUrl(f"the database's URL cannot be read; {ACCEPTED}") from None
    url = url.set(drivername=url.drivername.lower())
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        if url.query or url.host or url.username or url.password:
            raise BadUrl(f"a SQLite URL has three slashes, or four for an absolute path, and no options; {ACCEPTED}")
        return url.set(drivername="sqlite")
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    raise BadUrl(f"this kind of database is not supported; {ACCEPTED}. Received: {url.drivername}://")


def sqlite_path(url: URL) -> Path | None:
    """Return the file that a SQLite URL names, or None for a database in memory and for a server."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(url.database or "")


def shown(url: URL) -> str:
    """Return a URL as it may be printed: without any password, also not one among its options."""
    options = {name: value if _SHOWN.fullmatch(name) else MASK for name, value in url.query.items()}
    # SQLAlchemy hides the password before the '@' only, and would write the mask of an option as %2A.
    text = url.set(drivername=url.get_backend_name(), query=options).render_as_string(hide_password=True)
    return text.replace(quote_plus(MASK), MASK)


def without_secrets(text: str, url: URL) -> str:
    """Return the first line of a message with every secret of the URL masked."""
    line = text.strip().splitlines()[0].strip() if text.strip() else ""
    secrets = [url.password, *(value for name, value in url.query.items() if not _SHOWN.fullmatch(name))]
    for secret in secrets:
        for value in (secret,) if isinstance(secret, str) else secret or ():
            if value:
                line = line.replace(value, MASK)
    return line


def holds_a_password(text: str) -> bool:
    """Return whether the URL of a database holds a password, before its host or among its options.

    Raises:
        BadUrl: as `parse`.
    """
    url = parse(text)
    return bool(url.password) or any(not _SHOWN.fullmatch(name) for name in url.query)
