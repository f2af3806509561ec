"""Tokens of users, and the sessions of browsers that have shown one."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tuner.core.requests import TokenRecord
from tuner.storage import ServiceStore, StorageError

SESSION_SECONDS = 12 * 3600.0
MAX_SESSIONS = 1_000
CHECK_SECONDS = 2.0
"""Lifetime of a cached token, in seconds."""

USED_SECONDS = 60.0
"""Minimum time between two updates of the last use of a token, in seconds."""

MAX_KEPT = 10_000  # tokens that are remembered
SCOPES = ("read", "submit", "operate", "admin")
"""What tokens permit; each includes those before it. read: see; submit: submit runs and steer one's own; operate: steer
all that one sees; admin: tokens, the audit trail, and others' private runs."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An authenticated user.

    Attributes:
        user: Name of the user.
        scopes: What the user's token permits.
        token: Id of the token; None: the service's own.
    """

    user: str
    scopes: frozenset[str]
    token: int | None = None

    def may(self, scope: str) -> bool:
        """Return whether the token permits this."""
        return scope in self.scopes


OPERATOR = Identity("operator", frozenset(SCOPES))
"""The user of the token with which the service was started."""


def new_token() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """Return the SHA-256 of a token in hexadecimal digits, by which it is stored."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def included(scope: str) -> tuple[str, ...]:
    """Return a scope and those that it includes."""
    return SCOPES[: SCOPES.index(scope) + 1]


class Sessions:
    """Validates tokens, and creates sessions for browsers.

    Of tokens and sessions the SHA-256 is kept. Sessions, and the service's own token, live as long as the process. A
    session ends with the token that began it.

    Args:
        token: The service's own token.
        clock: Returns the time in seconds. Default: a monotonic clock.
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._token = hashed(token)
        self._clock = clock
        self._store: ServiceStore | None = None
        self._ends: dict[str, tuple[float, Identity]] = {}  # by the hash of a session, in the order of their beginning
        self._known: dict[str | int, tuple[float, Identity]] = {}  # by hash or id of a token: when it was looked at
        self._lock = threading.Lock()

    def look_into(self, store: ServiceStore) -> None:
        """Accept the tokens of a database as well."""
        self._store = store

    def identity(self, token: str) -> Identity | None:
        """Return the identity of a valid token, or None. May read the database."""
        sha256 = hashed(token)
        if hmac.compare_digest(sha256, self._token):
            return OPERATOR
        return self._looked_up(sha256)

    def begin(self, identity: Identity = OPERATOR) -> str:
        """Return a new session; the oldest ends where there are too many."""
        session = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            self._ends = {each: end for each, end in self._ends.items() if end[0] > now}
            while len(self._ends) >= MAX_SESSIONS:
                del self._ends[next(iter(self._ends))]
            self._ends[hashed(session)] = now + SESSION_SECONDS, identity
        return session

    def identity_of_session(self, text: str) -> Identity | None:
        """Return the identity of a session, or None if it has ended. May read the database."""
        with self._lock:
            end, identity = self._ends.get(hashed(text), (0.0, OPERATOR))
            if end <= self._clock():
                return None
        return identity if identity.token is None else self._looked_up(identity.token)

    def end(self, text: str) -> None:
        """End a session; another text is ignored."""
        with self._lock:
            self._ends.pop(hashed(text), None)

    def forget(self) -> None:
        """Clear the cache of tokens, after one was revoked."""
        with self._lock:
            self._known.clear()

    def _looked_up(self, what: str | int) -> Identity | None:
        """Return the identity of a token in the database, by its hash or its id; None if it is not valid."""
        if self._store is None:
            return None
        with self._lock:
            looked_at, identity = self._known.get(what, (0.0, OPERATOR))
        if looked_at and self._clock() < looked_at + CHECK_SECONDS:
            return identity
        found = self._store.valid_token(**({"token_id": what} if isinstance(what, int) else {"sha256": what}))
        with self._lock:
            self._known.pop(what, None)
            if found is None:
                return None
            identity = Identity(found.user, frozenset(found.scopes), found.id)
            while len(self._known) >= MAX_KEPT:
                del self._known[next(iter(self._known))]
            self._known[what] = self._clock(), identity
        if _is_used_long_ago(found):
            with contextlib.suppress(StorageError):  # a note only
                self._store.use_token(found.id)
        return identity


def _is_used_long_ago(token: TokenRecord) -> bool:
    limit = datetime.now(UTC) - timedelta(seconds=USED_SECONDS)
    return token.last_used_at is None or token.last_used_at < limit.isoformat(timespec="milliseconds")
