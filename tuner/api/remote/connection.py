"""Requests to a service over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import IO, Any
from urllib.parse import quote, urlencode, urlsplit

from tuner.api.remote.errors import ServiceRefused, ServiceUnavailable, error_of
from tuner.core.errors import InvalidRequest, LodoTuneError
from tuner.core.text import one_line

TIMEOUT = 90.0
"""Seconds without a byte from the service; what it makes of a run may take it as long as a minute."""

PAUSES = (0.2, 0.5, 1.0, 2.0)
"""Seconds between attempts while the service cannot be reached: enough for one that is started again."""

MAX_WAIT = 3600.0
"""Seconds for which the service may say that an output is not ready yet."""

MAX_BODY = 4 * 2**30  # bytes of an answer
API = "/api/v1"

_AWAY = (http.client.HTTPException, OSError)


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful response of the service."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as parsed JSON."""
        return json.loads(self.body)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token is sent to the address that the user has given, and to no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Connection:
    """Sends requests to a service.

    All requests of this class may be repeated: reading changes nothing, a run is submitted under its name, and a verb
    changes nothing the second time. So they are, for a few seconds, while the service cannot be reached.

    Args:
        url: Address of the service, such as "http://127.0.0.1:8080" or "https://lab.example.org/tune".
        token: A token of the service.

    Raises:
        InvalidRequest: The address or the token has another form.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = _checked(url)
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise InvalidRequest("token", "is a token of the service: letters and digits, '-' and '_'")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "*/*"}
        handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
        if _is_loopback(str(urlsplit(self.url).hostname)):
            handlers.append(urllib.request.ProxyHandler({}))  # no proxy reaches this machine by this name
        self._opener = urllib.request.build_opener(*handlers)

    def __repr__(self) -> str:
        return f"Connection({self.url!r})"

    def get(self, path: str, *, known: str | None = None, **query: Any) -> Answer:
        """Return the answer to a GET; while the service says that it is not ready yet, wait.

        Args:
            path: Path below the API, quoted.
            known: Entity tag of what is known already; the status is then 304. Default: none.
            query: Parameters; a list is repeated, and None and False are left out.

        Raises:
            LodoTuneError: The service refuses, or cannot be reached.
        """
        headers = {} if known is None else {"If-None-Match": known}
        return self._repeated(self._request("GET", path, headers, query=query))

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Return the answer to a PUT or a POST that may be repeated.

        Raises:
            LodoTuneError: The service refuses, or cannot be reached.
        """
        data = json.dumps({} if body is None else body).encode()
        return self._repeated(self._request(method, path, {"Content-Type": "application/json"}, data))

    @contextlib.contextmanager
    def stream(self, path: str, headers: Mapping[str, str], silence: float) -> Iterator[IO[bytes]]:
        """Yield the body of a GET while it is sent.

        Args:
            path: Path below the API.
            headers: Further headers.
            silence: Seconds without a byte after which the connection is taken as cut.

        Raises:
            LodoTuneError: The service refuses, or cannot be reached, or the connection is cut.
        """
        request = self._request("GET", path, headers)
        try:
            with self._opener.open(request, timeout=silence) as response:
                yield response
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from None
        except _AWAY as error:
            raise self._away(error) from None

    def _request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        data: bytes | None = None,
        query: Mapping[str, Any] = MappingProxyType({}),
    ) -> urllib.request.Request:
        address, all_headers = self._address(path, query), {**self._headers, **headers}
        return urllib.request.Request(address, data, all_headers, method=method)  # noqa: S310 - `_checked` the scheme

    def _repeated(self, request: urllib.request.Request) -> Answer:
        end = time.monotonic() + MAX_WAIT
        pauses = iter(PAUSES)
        while True:
            try:
                return self._once(request)
            except _NotReady as error:
                if time.monotonic() > end:
                    raise ServiceUnavailable(str(error)) from None
                time.sleep(error.seconds)
            except ServiceUnavailable as error:
                pause = next(pauses, None)
                if pause is None or error.__cause__ is None:  # the service has answered
                    raise
                time.sleep(pause)

    def _once(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                body = response.read(MAX_BODY + 1)
                status, headers = response.status, dict(response.headers.items())
        except urllib.error.HTTPError as error:
            if error.code == 304:
                return Answer(304, dict(error.headers.items()), b"")
            raise self._refusal(error) from None
        except _AWAY as error:
            raise self._away(error) from error
        if len(body) > MAX_BODY:
            raise ServiceRefused(f"{self.url} has sent more than {MAX_BODY:,} bytes", status)
        return Answer(status, {name.lower(): value for name, value in headers.items()}, body)

    def _refusal(self, error: urllib.error.HTTPError) -> LodoTuneError:
        with error:
            try:
                body = error.read(1_000_000)
            except _AWAY:
                body = b""
        found = error_of(error.code, error.headers.get("Content-Type", ""), body, self.url)
        seconds = error.headers.get("Retry-After", "")
        if isinstance(found, ServiceUnavailable) and seconds.isdecimal():
            return _NotReady(str(found), min(60.0, float(seconds[:4])))
        return found

    def _away(self, error: Exception) -> ServiceUnavailable:
        reason = getattr(error, "reason", error)
        text = getattr(reason, "strerror", None) or one_line(str(reason)) or type(reason).__name__
        return ServiceUnavailable(f"no service answers at {self.url}: {text}")

    def _address(self, path: str, query: Mapping[str, Any]) -> str:
        pairs: list[tuple[str, str]] = []
        for name, value in query.items():
            values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
            pairs += [(name, _word(one)) for one in values if one is not None and one is not False]
        return f"{self.url}{API}{path}" + (f"?{urlencode(pairs)}" if pairs else "")


class _NotReady(ServiceUnavailable):
    """The service asks to be asked again."""

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text)
        self.seconds = seconds


def quoted(name: str) -> str:
    """Return a name as a part of a path."""
    return quote(name, safe="")


def _word(value: Any) -> str:
    return "true" if value is True else str(value)


def _checked(url: str) -> str:
    """Return the address of a service without a slash at its end.

    Raises:
        InvalidRequest: It is none.
    """
    accepted = "is the address of a service, such as https://lab.example.org/tune, without a token"
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or parts.query or parts.fragment or parts.username or parts.password or not url.isprintable():
        raise InvalidRequest("server", accepted, url if "@" not in url and "?" not in url else "one with more")
    return f"{parts.scheme}://{parts.netloc}{quote(parts.path.rstrip('/'), safe='/%')}"


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
