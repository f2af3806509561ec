"""The store of a service: studies, and what users have asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from tuner.core.requests import AuditRecord, Cost, Desired, Orders, Outcome, RequestRecord, State, TokenRecord
from tuner.core.study import StudyRecord, StudySpec
from tuner.storage import request_drivers, requests, studies, supervision, tokens
from tuner.storage.access import retried
from tuner.storage.store import Store

NOTE_SECONDS = 0.2
"""Seconds to wait for a lock in order to store what can also be stored later."""


class ServiceStore(Store):
    """A database of studies, with the requests, tokens and audit trail of a service.

    Each method is one transaction. What a user changes is written together with its line of the audit trail.
    """

    def create_run(self, specs: Sequence[StudySpec]) -> list[StudyRecord]:
        """Create all studies of a run that was submitted, or none; see `Store.create_run`."""
        with self._writing() as connection:
            created = studies.create_run(connection, specs, is_submitted=True)
            return [studies.by_id(connection, study_id) for study_id in created]

    def taken_names(self) -> list[str]:
        """Return the names of all runs that were started: the name of a submitted run is free for its driver."""
        return self.runs()

    def submit(
        self,
        run: str,
        *,
        by: str,
        fields: Mapping[str, Any],
        cost: Cost,
        is_private: bool = False,
        weight: float = 1.0,
    ) -> tuple[RequestRecord, bool]:
        """Store a request for a run; return it, and whether it is new.

        Args:
            run: Name of the run.
            by: Name of the user.
            fields: The specification, of values that JSON represents.
            cost: What it takes.
            is_private: Whether the run is hidden from other users.
            weight: Share among the runs of the user.

        Raises:
            StudyExists: There is a run of this name that was not submitted.
            BadName: The name breaks the rule for names.
        """
        values = {
            "run": run,
            "submitted_by": by,
            "is_private": is_private,
            "weight": weight,
            "fields": dict(fields),
            "cost": cost,
        }
        with self._writing() as connection:
            new = requests.create(connection, values)
            if new is not None:
                tokens.note(connection, by, "submit", run)
                return new, True
            return requests.named(connection, run), False

    @retried
    def request(self, run: str) -> RequestRecord | None:
        """Return the request for a run; None without one."""
        with self._reading() as connection:
            return requests.by_run(connection, run)

    @retried
    def requests(self, states: Collection[State] | None = None) -> list[RequestRecord]:
        """Return the requests in some states, or all, in the order of submission."""
        with self._reading() as connection:
            return requests.listed(connection, states)

    @retried
    def private_runs(self, user: str) -> frozenset[str]:
        """Return the names of the private runs of all users but one."""
        with self._reading() as connection:
            return requests.private_runs(connection, user)

    @retried
    def study_statuses(self) -> dict[str, int]:
        """Return the number of studies by status."""
        with self._reading() as connection:
            return studies.statuses(connection)

    @retried
    def queue_version(self) -> tuple[int, int]:
        """Return a pair that differs after each change of a request but a heartbeat."""
        with self._reading() as connection:
            return requests.version(connection)

    @retried
    def pace(self, tasks: Iterable[str]) -> dict[str, float]:
        """Return the seconds of a cohort per gradient evaluation by "TASK/OPTIMIZER", as the newest studies have it."""
        with self._reading() as connection:
            return requests.pace(connection, tasks)

    @retried
    def ask(self, run: str, desired: Desired, *, by: str) -> RequestRecord:
        """Store what a user wants of a run, and return its request. Repeating the call changes nothing.

        Raises:
            UnknownStudy: There is no request for this run.
            NotPossible: The run has ended otherwise.
        """
        with self._writing() as connection:
            found = requests.ask(connection, run, desired)
            tokens.note(connection, by, "resume" if desired is Desired.RUN else desired, run)
            return found

    @retried
    def retry(self, run: str, *, by: str) -> RequestRecord:
        """Have a run that failed tried again, and return its request. Repeating the call changes nothing.

        Raises:
            UnknownStudy: There is no request for this run.
            NotPossible: It has not failed.
        """
        with self._writing() as connection:
            found = requests.retry(connection, run)
            tokens.note(connection, by, "retry-failed", run)
            return found

    # Of the supervisor.

    @retried
    def supervise(self, owner: str) -> str | None:
        """Become the supervisor, or stay it; return None, or the name "host:pid" of the one that there is."""
        with self._writing() as connection:
            return supervision.supervise(connection, owner)

    @retried
    def supervisor(self) -> str | None:
        """Return the name "host:pid" of the process that starts drivers; None without one."""
        with self._reading() as connection:
            return supervision.current(connection)

    def resign(self, owner: str) -> None:
        """End to be the supervisor."""
        with self._writing() as connection:
            supervision.resign(connection, owner)

    def start_driver(self, request_id: int, epoch: int, granted: int) -> int | None:
        """Return the epoch of the next driver of a request; None if the request has changed since it was read."""
        with self._writing() as connection:
            return request_drivers.start(connection, request_id, epoch, granted)

    @retried
    def name_driver(self, request_id: int, epoch: int, owner: str) -> None:
        """Store the process "host:pid" that was started for an epoch, so that its end is noticed at once."""
        with self._writing() as connection:
            request_drivers.name_driver(connection, request_id, epoch, owner)

    @retried
    def grant(self, granted: Mapping[int, int], waiting: Mapping[int, tuple[str, float | None]]) -> None:
        """Store workers by request with a driver, and reasons and seconds until the start by request that waits."""
        with self._writing() as connection:
            request_drivers.grant(connection, granted, waiting)

    @retried
    def user_weights(self) -> dict[str, float]:
        """Return the weights of the users that have tokens."""
        with self._reading() as connection:
            return tokens.weights(connection)

    # Of the driver of a request.

    @retried
    def claim(self, request_id: int, epoch: int, owner: str) -> RequestRecord:
        """Become the driver of a request that was started with this epoch.

        Raises:
            LeaseLost: Another driver was started since.
        """
        with self._writing() as connection:
            return request_drivers.claim(connection, request_id, epoch, owner)

    @retried
    def heartbeat(self, request_id: int, epoch: int, using: int, has_results: bool = False) -> Orders:
        """Return what a driver is told, and renew its lease if that is due or there is something to report.

        Args:
            request_id: Id of the request.
            epoch: Of the driver.
            using: Workers that it uses.
            has_results: Whether it has recorded the first results since its last heartbeat.

        Raises:
            LeaseLost: It is no longer the driver.
        """
        with self._reading() as connection:
            told, reported, age = request_drivers.orders(connection, request_id, epoch)
        if using != reported or has_results or age >= request_drivers.RENEWAL:
            with self._writing() as connection:
                request_drivers.beat(connection, request_id, epoch, using, has_results)
        return told

    @retried
    def end_driver(self, request_id: int, epoch: int, outcome: Outcome, error: str = "") -> None:
        """Store how the driver of an epoch has ended; see `request_drivers.end`; a former driver changes nothing."""
        with self._writing() as connection:
            request_drivers.end(connection, request_id, epoch, outcome, error)

    # Tokens and the audit trail.

    def create_token(
        self,
        *,
        user: str,
        sha256: str,
        scopes: Sequence[str],
        by: str,
        weight: float = 1.0,
        note: str = "",
        days: float | None = None,
    ) -> TokenRecord:
        """Store a token of a user by its hash.

        Args:
            user: Name of the user.
            sha256: Of the token, in hexadecimal digits.
            scopes: What it permits.
            by: Name of the user who creates it.
            weight: Share of the user in the division of the workers.
            note: What it is for.
            days: Days until it expires. Default: no expiry.

        Raises:
            BadName: The name of the user cannot be stored.
        """
        with self._writing() as connection:
            record = tokens.create(
                connection, user=user, sha256=sha256, scopes=scopes, weight=weight, note=note, days=days, by=by
            )
            tokens.note(connection, by, "create token", user, f"token {record.id}: {', '.join(scopes)}")
            return record

    @retried
    def tokens(self) -> list[TokenRecord]:
        """Return all tokens, the newest first."""
        with self._reading() as connection:
            return tokens.listed(connection)

    @retried
    def valid_token(self, *, sha256: str | None = None, token_id: int | None = None) -> TokenRecord | None:
        """Return the token with this hash or id if it holds; None otherwise."""
        with self._reading() as connection:
            return tokens.valid(connection, sha256=sha256, token_id=token_id)

    def use_token(self, token_id: int) -> None:
        """Store that a token is used now, if no other process holds a lock: a user who reads does not wait for that."""
        with self._writing(busy_timeout=NOTE_SECONDS) as connection:
            tokens.use(connection, token_id)

    @retried
    def revoke_token(self, token_id: int, *, by: str) -> TokenRecord:
        """Revoke a token and return its record. Repeating the call changes nothing.

        Raises:
            UnknownToken: There is none.
        """
        with self._writing() as connection:
            record = tokens.revoke(connection, token_id)
            tokens.note(connection, by, "revoke token", record.user, f"token {token_id}")
            return record

    @retried
    def trail(self, before: int | None = None, limit: int = 100) -> list[AuditRecord]:
        """Return lines of the audit trail, the newest first; those with an id below `before`."""
        with self._reading() as connection:
            return tokens.trail(connection, before, limit)
