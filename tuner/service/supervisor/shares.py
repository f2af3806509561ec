"""Division of workers: weighted max-min fairness over users, then over runs.

Shares are fractions, and workers are whole. Each claimant has the whole part of its share. The workers that are left go
to those whose credit is greatest: what they should have had so far, minus what they had. Over time each has its share,
also where there are more claimants than workers. The order changes once per QUANTUM at most, so that drivers are not
ended and started again in each round. One who comes does not wait for that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

QUANTUM = 60.0
"""Worker-seconds of credit by which one claimant has to be ahead of another, to take the worker that it has."""

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Claim(Generic[Name]):
    """What one user, or one run, can use.

    Attributes:
        name: Of the claimant.
        weight: Its weight, above 0.
        demand: Workers that it can use at most.
    """

    name: Name
    weight: float
    demand: int


def fractions(total: float, claims: Sequence[Claim[Name]]) -> dict[Name, float]:
    """Return the weighted max-min fair share of each claimant.

    What a claimant cannot use is divided among the others.

    Args:
        total: Workers.
        claims: The claims, with different names.
    """
    found = {claim.name: 0.0 for claim in claims}
    left, open_claims = float(total), [claim for claim in claims if claim.demand > 0]
    while open_claims and left > 0:
        each = left / sum(claim.weight for claim in open_claims)
        sated = [claim for claim in open_claims if claim.demand <= each * claim.weight]
        if not sated:
            return found | {claim.name: each * claim.weight for claim in open_claims}
        for claim in sated:
            found[claim.name] = float(claim.demand)
            left -= claim.demand
        open_claims = [claim for claim in open_claims if claim not in sated]
    return found


class Division(Generic[Name]):
    """Divides workers again and again among claimants that come and go.

    Args:
        quantum: See QUANTUM.
    """

    def __init__(self, quantum: float = QUANTUM) -> None:
        self._quantum = quantum
        self._credit: dict[Name, float] = {}
        self._debts: dict[Name, float] = {}  # negative credit of those that have left
        self._new: set[Name] = set()  # those that have had no worker since they came
        self._had: Mapping[Name, int] = {}
        self._ideal: Mapping[Name, float] = {}

    def pass_time(self, seconds: float) -> None:
        """Count that the last division has lasted this long."""
        for name, ideal in self._ideal.items():
            self._credit[name] += (ideal - self._had.get(name, 0)) * seconds
        self._debts = {name: debt + seconds for name, debt in self._debts.items() if debt + seconds < 0}

    def divide(self, total: int, claims: Sequence[Claim[Name]]) -> dict[Name, int]:
        """Return the workers of each claimant; among equals the first of `claims` is first.

        Args:
            total: Workers.
            claims: The claims, with different names.
        """
        ideal = fractions(total, claims)
        self._change_claimants(claims)
        given = {name: math.floor(share + 1e-9) for name, share in ideal.items()}
        left = min(total, sum(claim.demand for claim in claims)) - sum(given.values())
        order = sorted(
            (claim for claim in claims if given[claim.name] < ideal[claim.name] - 1e-9), key=self._key(given)
        )
        for claim in order[:left]:
            given[claim.name] += 1
        self._ideal, self._had = ideal, given
        self._new -= {name for name, workers in given.items() if workers}
        return given

    def _change_claimants(self, claims: Sequence[Claim[Name]]) -> None:
        """Take note of claimants that have come or left.

        One that comes begins without credit. One that leaves with a debt finds it again if it comes back soon, so that
        many short runs, one after the other, have no more than one long run.
        """
        names = {claim.name for claim in claims}
        self._new = (self._new & names) | (names - self._credit.keys())
        self._debts |= {name: credit for name, credit in self._credit.items() if name not in names and credit < 0}
        before = self._debts | self._credit
        self._credit = {claim.name: before.get(claim.name, 0.0) for claim in claims}
        self._debts = {name: debt for name, debt in self._debts.items() if name not in names}

    def _key(self, given: Mapping[Name, int]) -> Callable[[Claim[Name]], tuple[float, bool]]:
        def key(claim: Claim[Name]) -> tuple[float, bool]:
            is_new = claim.name in self._new
            keeps = is_new or self._had.get(claim.name, 0) > given[claim.name]
            return -(self._credit[claim.name] + (self._quantum if keeps else 0.0)), not is_new

        return key
