"""Decisions of the supervisor from one reading of the requests.

They are grants, starts, and why the others wait.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tuner.core.requests import Desired, RequestRecord, State
from tuner.service.settings import Quota
from tuner.service.supervisor.shares import QUANTUM, Claim, Division

TURN = "queued: all workers are used by other users"
BEHIND = "waits behind {count} of {user}'s runs"
NEXT = "starts as soon as a worker has ended its cohort"
NO_WORKERS = "the service was started without workers (serve --workers)"


@dataclass(frozen=True, slots=True)
class Decisions:
    """What the supervisor does next.

    Attributes:
        granted: Workers by the id of a request with a driver, where they change.
        starts: Requests whose driver is started, each with its first workers.
        waiting: Reasons by the id of a request that waits for a worker, in the order in which they are expected to
            start. Requests that wait after a failure have a reason already.
    """

    granted: dict[int, int] = field(default_factory=dict)
    starts: list[tuple[RequestRecord, int]] = field(default_factory=list)
    waiting: dict[int, str] = field(default_factory=dict)


class Schedule:
    """Divides workers among users by weighted max-min fairness, and those of a user among the user's runs.

    As many runs of a user are trained at a time as the user has workers, those first that were submitted first. A
    grant that falls takes effect when a cohort ends; a worker is granted again only then.

    Args:
        workers: Workers of the service.
        quota: What one user may have.
        quantum: See `shares.QUANTUM`.
    """

    def __init__(self, workers: int, quota: Quota, quantum: float = QUANTUM) -> None:
        self._workers, self._quota = workers, quota
        self._users: Division[str] = Division(quantum)
        self._runs: dict[str, Division[int]] = {}

    def decide(
        self, requests: Sequence[RequestRecord], weights: Mapping[str, float], seconds: float = 0.0
    ) -> Decisions:
        """Return what to do.

        Args:
            requests: Those that wait or have a driver, in the order of submission.
            weights: Weights of users; 1 where there is none.
            seconds: Since the last decision.
        """
        self._users.pass_time(seconds)
        for division in self._runs.values():
            division.pass_time(seconds)
        able = [one for one in requests if _is_able(one)]
        by_user: dict[str, list[RequestRecord]] = {}
        for one in sorted(able, key=lambda request: (not request.state.has_driver, request.id)):
            by_user.setdefault(one.submitted_by, []).append(one)
        shares = self._users.divide(self._workers, [self._claim(user, runs, weights) for user, runs in by_user.items()])
        self._runs = {user: self._runs.get(user, Division()) for user in by_user}
        targets: dict[int, int] = {}
        for user, runs in by_user.items():
            most = shares[user] if self._quota.running is None else min(shares[user], self._quota.running)
            claims = [Claim(one.id, one.weight, one.cost.width) for one in runs[:most]]
            targets |= self._runs[user].divide(shares[user], claims)
        return self._carried_out(requests, by_user, targets)

    def _claim(self, user: str, runs: Sequence[RequestRecord], weights: Mapping[str, float]) -> Claim[str]:
        useful = runs if self._quota.running is None else runs[: self._quota.running]
        demand = sum(one.cost.width for one in useful)
        most = self._workers if self._quota.workers is None else self._quota.workers
        return Claim(user, weights.get(user, 1.0), min(demand, most, self._workers))

    def _carried_out(
        self,
        requests: Sequence[RequestRecord],
        by_user: Mapping[str, Sequence[RequestRecord]],
        targets: Mapping[int, int],
    ) -> Decisions:
        """Return the changes that bring the drivers nearer to their targets without using a worker twice."""
        found = Decisions()
        with_driver = [one for one in requests if one.state.has_driver]
        now = {one.id: min(one.granted, targets.get(one.id, 0)) for one in with_driver}
        held = {one.id: max(one.using, now[one.id]) for one in with_driver}
        free = self._workers - sum(held.values())
        queued = [one for runs in by_user.values() for one in runs if not one.state.has_driver]
        for one in sorted(queued, key=lambda request: request.id):
            if (first := min(free, targets.get(one.id, 0))) > 0:
                found.starts.append((one, first))
                free -= first
        for one in with_driver:
            more = max(0, min(free, targets.get(one.id, 0) - held[one.id]))
            free -= more
            workers = max(now[one.id], held[one.id] + more) if more else now[one.id]
            if workers != one.granted and one.desired is Desired.RUN:
                found.granted[one.id] = workers
        started = {one.id for one, _ in found.starts}
        places: list[tuple[int, int, str]] = []
        for user, runs in by_user.items():
            for place, one in enumerate(runs):
                if one.state.has_driver or one.id in started:
                    continue
                if not self._workers:
                    reason = NO_WORKERS
                elif targets.get(one.id, 0):
                    reason = NEXT
                else:
                    reason = BEHIND.format(count=place, user=user) if place else TURN
                places.append((place, one.id, reason))
        found.waiting.update({request: reason for _, request, reason in sorted(places)})
        return found


def _is_able(request: RequestRecord) -> bool:
    """Return whether a request can use workers now."""
    if request.desired is not Desired.RUN:
        return False
    return request.state.has_driver or (request.state is State.QUEUED and not request.waits)


def expected_starts(ends: Sequence[float | None], waiting: Sequence[float | None], free: int = 0) -> list[float | None]:
    """Return the seconds until each waiting run is expected to start, one after the other as those before it end.

    Args:
        ends: Seconds until each run with a driver is expected to end; None: not known.
        waiting: Seconds that each waiting run takes, in the order in which they start; None: not known.
        free: Runs that could start at once.

    Returns:
        The seconds; None from the first on that waits for a run whose end is not known.
    """
    known = [0.0] * free + [end for end in ends if end is not None]
    heapq.heapify(known)
    found: list[float | None] = []
    for takes in waiting:
        if not known:
            found.append(None)
            continue
        start = heapq.heappop(known)
        found.append(start)
        if takes is not None:
            heapq.heappush(known, start + takes)
    return found
