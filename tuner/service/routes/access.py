"""Dependencies of routes: the identity of a request, and its scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from tuner.core.requests import RequestRecord
from tuner.service.problems import Forbidden
from tuner.service.reading import Reading
from tuner.service.tokens import Identity
from tuner.storage import UnknownStudy


def identity_of(request: Request) -> Identity:
    """Return who asks, as the guard has found.

    Raises:
        Forbidden: Nobody is known to ask.
    """
    identity = getattr(request.state, "identity", None)
    if not isinstance(identity, Identity):
        raise Forbidden("the request needs a token or a session")
    return identity


def needs(scope: str) -> Callable[[Request], Identity]:
    """Return a dependency: who asks, and may do this."""

    def check(request: Request) -> Identity:
        identity = identity_of(request)
        if not identity.may(scope):
            raise Forbidden(f"this requires the scope {scope!r}; the token of {identity.user} does not include it")
        return identity

    return check


Submitter = Annotated[Identity, Depends(needs("submit"))]
Administrator = Annotated[Identity, Depends(needs("admin"))]


def steered(reader: Reading, run: str) -> RequestRecord:
    """Return the request for a run that the user may pause, stop and continue.

    Raises:
        UnknownStudy: There is none, or it is hidden.
        Forbidden: The run belongs to another user.
    """
    request = reader.request(run)
    if request is None:
        raise UnknownStudy(f"there is no run {run!r:.100} that was submitted to the service")
    if not reader.may_steer(request):
        raise Forbidden(f"the run {run} belongs to {request.submitted_by}; steering it needs the scope 'operate'")
    return request
