"""The values that pages of requests show: the queue, and the verbs of a run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tuner.core.requests import Desired, RequestRecord, State
from tuner.results.tables.listing import moment
from tuner.service.pages import commands, words
from tuner.service.reading import Reading
from tuner.service.submitting import POSSIBLE

VERB_WORDS = {
    "pause": "Pause",
    "resume": "Resume",
    "stop": "Stop after running candidates",
    "cancel": "Cancel now",
    "retry-failed": "Try again now",
}


def steering(reader: Reading, request: RequestRecord) -> dict[str, Any]:
    """Return what the page of a run shows of its request."""
    possible = POSSIBLE.get(request.state, ()) if reader.may_steer(request) else ()
    verbs = [(verb, VERB_WORDS[verb]) for verb in possible if _has_effect(verb, request)]
    return {
        "asked": request,
        "waiting": request_line(request)["waiting"],
        "verbs": verbs,
        "command": commands.tune_command(request.run, request.fields),
        "call": commands.tune_call(request.run, request.fields),
    }


def _has_effect(verb: str, request: RequestRecord) -> bool:
    """Return whether a verb that is possible would change something."""
    if verb == "retry-failed":
        return request.state is State.FAILED or request.failures > 0
    wanted = Desired.RUN if verb == "resume" else Desired(verb)
    return request.desired is not wanted or request.state in (State.PAUSED, State.FAILED)


def request_line(request: RequestRecord) -> dict[str, Any]:
    """Return a request in a list."""
    return {
        "request": request,
        "task": ", ".join(request.fields["task"]),
        "submitted": moment(request.created_at),
        "waiting": _waiting(request),
        "wanted": "" if request.desired is Desired.RUN or request.state.is_ended else request.desired.value,
    }


def _waiting(request: RequestRecord) -> str:
    """Return when a request that waits is expected to start; "" of one that does not wait."""
    if request.state is not State.QUEUED:
        return ""
    if request.waits:
        return f"tried again in about {words.lasting(request.waits)}"
    if request.expected_in is None:
        return "when it starts is not known yet: nothing was measured on a task that is trained before it"
    passed = (datetime.now(UTC) - datetime.fromisoformat(request.changed_at)).total_seconds()
    return f"expected to start in about {words.lasting(max(0.0, request.expected_in - passed))}"


def queue(reader: Reading, workers: int) -> dict[str, Any]:
    """Return the queue: what trains, what waits and why, and what needs attention."""
    requests = reader.queue()
    groups: dict[str, list[dict[str, Any]]] = {"Training": [], "Waiting": [], "Paused": [], "Failed": []}
    places = {State.QUEUED: "Waiting", State.PAUSED: "Paused", State.FAILED: "Failed"}
    for one in requests:
        groups[places.get(one.state, "Training")].append(request_line(one))
    used: dict[str, int] = {}
    for one in requests:
        used[one.submitted_by] = used.get(one.submitted_by, 0) + one.using
    return {
        "groups": {title: lines for title, lines in groups.items() if lines},
        "workers": workers,
        "used": sum(used.values()),
        "by_user": sorted(used.items()),
    }
