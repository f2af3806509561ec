"""URLs of databases: parsed, and shown without their secrets."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote_plus

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tuner.storage.errors import BadUrl
from tuner.storage.validation import is_storable

ACCEPTED = "accepted are a file name, sqlite:///FILE and postgresql://USER@HOST:PORT/DATABASE"
MASK = "***"

# Options that are shown. The value of any other option may be a secret, whatever its name.
_SHOWN = re.compile(
    "host|hostaddr|port|user|dbname|service|ssl(mode|rootcert)|application_name|connect_timeout|options"
    "|target_session_attrs|client_encoding"
)
# Texts that are meant as a URL, or as a list of libpq's options, and would otherwise be used as the name of a file.
_NOT_A_FILE = re.compile(
    r"(postgres\w*|sqlite\w*|file|mysql|mariadb|duckdb)(\+\w+)?:|[^/]*:[^/]*@|.*:.*@.*/|(.*\s)?(host|hostaddr|port|dbname|user|password|passfile)\s*=",
    re.I | re.S,
)


def parse(text: str) -> URL:
    """Parse the URL of a database; a bare path is a SQLite file.

    Raises:
        BadUrl: The text is neither a path nor a URL of SQLite or PostgreSQL. The message does not repeat it, because
            it may hold a password.
    """
    if not text or not is_storable(text):
        raise BadUrl(f"the database's URL is empty or contains NUL or lone surrogates; {ACCEPTED}")
    if "://" not in text and _NOT_A_FILE.match(text):
        raise BadUrl(
            f"the database is neither the name of a file nor a URL (a file of such a name: ./NAME); {ACCEPTED}"
        )
    if "://" not in text:
        return URL.create("sqlite", database=text)
    if text.lower().startswith("sqlite") and "?" in text:  # SQLAlchemy drops options without a value
        raise BadUrl(f"a SQLite URL has no options, and no '?'; a file with one is given by its name; {ACCEPTED}")
    if "?" in text and not all("=" in option for option in text.partition("?")[2].split("&")):
        raise BadUrl(f"the database's URL has an option without a value; {ACCEPTED}")
    if text.partition("?")[0].count("@") > 1:
        raise BadUrl(f"the database's URL contains more than one '@'; within a password, write %40; {ACCEPTED}")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # ValueError: the port is not a number
        # The cause is suppressed: it quotes the URL.
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
    """Return the file that a SQLite URL names; None for a database in memory and for a server."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(url.database or "")


def shown(url: URL) -> str:
    """Return a URL in printable form, without passwords, neither before the host nor among the options."""
    options = {name: value if _SHOWN.fullmatch(name) else MASK for name, value in url.query.items()}
    # SQLAlchemy hides only the password before the '@', and writes the mask of an option as %2A.
    text = url.set(drivername=url.get_backend_name(), query=options).render_as_string(hide_password=True)
    return text.replace(quote_plus(MASK), MASK)


def without_secrets(text: str, url: URL) -> str:
    """Return the first line of a message, with every secret of the URL masked."""
    line = text.strip().splitlines()[0].strip() if text.strip() else ""
    secrets = [url.password, *(value for name, value in url.query.items() if not _SHOWN.fullmatch(name))]
    for secret in secrets:
        for value in (secret,) if isinstance(secret, str) else secret or ():
            if value:
                line = line.replace(value, MASK)
    return line


def holds_a_password(text: str) -> bool:
    """Return whether the URL of a database contains a password, before the host or among the options.

    Raises:
        BadUrl: The text is not the URL of a database; see `parse`.
    """
    url = parse(text)
    return bool(url.password) or any(not _SHOWN.fullmatch(name) for name in url.query)
