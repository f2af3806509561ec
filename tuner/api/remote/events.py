"""Changes of a service, as a stream that goes on after a cut connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from tuner.api.remote.connection import Connection
from tuner.api.remote.errors import ServiceUnavailable

SILENCE = 40.0
"""Seconds without a byte after which a stream is taken as cut; the service sends one every fifteen."""

PATIENCE = 120.0
"""Seconds for which the service may be away."""

PAUSE = 0.5  # seconds before a stream that was cut is asked for again


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event.

    Attributes:
        kind: "study", "queue" or "resync"; "" after which the client may have missed something.
        cursor: What the stream can be continued from.
        data: JSON.
    """

    kind: str
    cursor: str
    data: str


def events(
    connection: Connection,
    *,
    sleep: Callable[[float], None] = time.sleep,
    patience: float = PATIENCE,
    is_over: Callable[[], bool] = lambda: False,
) -> Iterator[ServerEvent]:
    """Yield the changes of a service, until the caller has enough of them.

    A stream that is cut is continued from the last event; nothing is missed then.

    Args:
        connection: To the service.
        sleep: Waits for a number of seconds.
        patience: Seconds for which the service may be away.
        is_over: Returns whether the caller has enough; the stream then ends with its next line, of which there is one
            every fifteen seconds at least. Default: never.

    Raises:
        ServiceUnavailable: It is away for longer.
        ServiceRefused: It refuses the stream.
    """
    cursor, away_since = "", None
    while not is_over():
        try:
            headers = {"Accept": "text/event-stream", **({"Last-Event-ID": cursor} if cursor else {})}
            with connection.stream("/events", headers, SILENCE) as body:
                away_since = None
                for event in parsed(takewhile(lambda _: not is_over(), body)):
                    cursor = event.cursor or cursor
                    if event.kind:
                        yield event
        except ServiceUnavailable:
            now = time.monotonic()
            away_since = now if away_since is None else away_since
            if now - away_since > patience:
                raise
        sleep(PAUSE)


def parsed(lines: Iterable[bytes]) -> Iterator[ServerEvent]:
    """Yield the events of a stream, as the HTML standard describes its form; one that is cut off is left out."""
    kind, cursor = "", ""
    data: list[str] = []
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield ServerEvent(kind or "message", cursor, "\n".join(data))
            kind, data = "", []
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            cursor = value
        elif name == "data":
            data.append(value)
