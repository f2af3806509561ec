"""The token of a service, and the sessions of browsers that have shown it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable

SESSION_SECONDS = 12 * 3600.0
MAX_SESSIONS = 1_000


def new_token() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


class Sessions:
    """Recognises a service's token, and gives sessions to browsers.

    Neither tokens nor sessions are kept: their SHA-256 is, in memory. Another start of the service has another token,
    and no sessions.

    Args:
        token: The token.
        clock: Returns the time in seconds. Default: a monotonic clock.
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._token = _hashed(token)
        self._clock = clock
        self._ends: dict[str, float] = {}  # by the hash of a session, in the order of their beginning
        self._lock = threading.Lock()

    def is_token(self, text: str) -> bool:
        """Return whether a text is the token; takes the same time for all texts of a length."""
        return hmac.compare_digest(_hashed(text), self._token)

    def begin(self) -> str:
        """Return a new session; the oldest ends where there are too many."""
        session = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            self._ends = {each: end for each, end in self._ends.items() if end > now}
            while len(self._ends) >= MAX_SESSIONS:
                del self._ends[next(iter(self._ends))]
            self._ends[_hashed(session)] = now + SESSION_SECONDS
        return session

    def is_session(self, text: str) -> bool:
        """Return whether a text is a session that has not ended."""
        with self._lock:
            return self._ends.get(_hashed(text), 0.0) > self._clock()

    def end(self, text: str) -> None:
        """End a session; another text is ignored."""
        with self._lock:
            self._ends.pop(_hashed(text), None)


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
