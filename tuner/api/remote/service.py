"""`tuner.connect`: a service, with the verbs of the API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuner.api.progress import Progress, progress_of
from tuner.api.remote.connection import Connection, quoted
from tuner.api.remote.errors import ServiceRefused
from tuner.api.remote.following import SubmittedRun, follow
from tuner.api.remote.run_database import RunDatabase
from tuner.api.remote.submission import check_others, listed, named, texts
from tuner.api.run import Comparison, Run
from tuner.api.study import Study
from tuner.core.errors import InvalidRequest

PAGE = 200  # runs of one request
MAX_NAMES = 20  # that are tried where others are quicker
VERBS = ("pause", "resume", "stop", "cancel", "retry-failed")


class Service:
    """A service of lodo-tune, which submits, steers and reads runs. `connect` returns it.

    Args:
        connection: To the service.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @property
    def url(self) -> str:
        """Address of the service."""
        return self.connection.url

    def __repr__(self) -> str:
        return f"Service({self.url!r})"

    def tune(
        self,
        task: str | Sequence[str],
        optimizers: str | Iterable[str] | None = None,
        *,
        progress: bool | Callable[[str], None] | Progress | None = True,
        **arguments: Any,
    ) -> Run:
        """Tune the hyperparameters of optimizers on a task, on the service, and wait until the run is complete.

        An interruption ends the waiting; the run goes on.

        Args:
            task: Name of a task of the service's catalogue, or several.
            optimizers: Names of optimizers of the catalogue. Default: the task's.
            progress: As of `tuner.tune`.
            **arguments: As of `submit`.

        Returns:
            The run, as `tuner.tune` returns it; its results are read from the service.

        Raises:
            InvalidRequest: An argument is unknown or out of range.
            RunNotCompleted: The run has failed, or was stopped or cancelled.
            LodoTuneError: The service refuses, or cannot be reached.
        """
        run = self.wait(self.submit(task, optimizers, **arguments).run, progress)
        assert isinstance(run, Run)  # noqa: S101 - it was submitted as one
        return run

    def submit(
        self,
        task: str | Sequence[str],
        optimizers: str | Iterable[str] | None = None,
        *,
        preset: str = "paper",
        strategy: str | None = None,
        generations: int | None = None,
        population: int | None = None,
        steps: int | Sequence[int] | None = None,
        sigma: float | Sequence[float] | None = None,
        budget: int | None = None,
        objective: str | None = None,
        seed: int = 0,
        fresh_seeds: int | None = None,
        search_seeds: int = 1,
        name: str | None = None,
        search_space: str | Path | Iterable[str | Path] = (),
        precision: str | None = None,
        options: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        memory_per_candidate: float | None = None,
        max_attempts: int = 3,
        is_private: bool = False,
        weight: float = 1.0,
        **others: Any,
    ) -> SubmittedRun:
        """Submit a search, and return at once; the same run again changes nothing.

        Args:
            task: Name of a task of the service's catalogue, or several.
            optimizers: Names of optimizers of the catalogue. Default: the task's.
            preset: As of `tuner.tune`, and so are the arguments up to `options`.
            strategy: Name of a search strategy.
            generations: Number of generations.
            population: Candidates per generation.
            steps: Budget of a candidate in gradient evaluations.
            sigma: Standard deviation of the draws.
            budget: Gradient evaluations of all candidates of a search together.
            objective: What makes one number of a run.
            seed: Decides everything that is drawn.
            fresh_seeds: Number of seeds of the runs at the end. Default: the preset's.
            search_seeds: Number of searches of each optimizer, with the seeds seed, seed + 1, ….
            name: Name of the run. Default: the task's name, numbered where that is taken.
            search_space: YAML files of this machine, whose text is sent.
            precision: "float32", "float64" or "bfloat16".
            options: Keyword arguments of the task: numbers, true, false, or words.
            timeout: Seconds after which a candidate is ended. Default: none.
            memory_per_candidate: Gigabytes that a candidate of a training function may take. Default: no limit.
            max_attempts: Attempts per candidate.
            is_private: Whether the run is hidden from other users. Default False.
            weight: Share of the workers among your runs. Default 1.
            **others: Further arguments of `tuner.tune`, which are refused: the service decides where to train.

        Raises:
            InvalidRequest: An argument is unknown or out of range.
            ServiceRefused: There is another run of this name, or the token does not permit this.
        """
        check_others(others)
        body = {
            "task": named("task", task),
            "optimizers": None if optimizers is None else named("optimizers", optimizers),
            "preset": preset,
            "strategy": strategy,
            "generations": generations,
            "population": population,
            "steps": listed(steps),
            "sigma": listed(sigma),
            "budget": budget,
            "objective": objective,
            "seed": seed,
            "fresh_seeds": fresh_seeds,
            "search_seeds": search_seeds,
            "search_spaces": texts("search_spaces", search_space),
            "precision": precision,
            "options": dict(options or {}),
            "timeout": timeout,
            "memory_per_candidate": memory_per_candidate,
            "max_attempts": max_attempts,
            "is_private": is_private,
            "weight": weight,
        }
        return self._put("runs", name, body)

    def compare(
        self,
        search: Run | str | None = None,
        *,
        progress: bool | Callable[[str], None] | Progress | None = True,
        **arguments: Any,
    ) -> Comparison:
        """Compare tuned optimizers on the service, and wait until the comparison is complete; see `tune`.

        Args:
            search: The run of the service whose tuned hyperparameters are compared, or its name.
            progress: As of `tuner.tune`.
            **arguments: As of `submit_comparison`.

        Returns:
            The comparison, as `tuner.compare` returns it; its results are read from the service.

        Raises:
            As `tune`.
        """
        run = self.wait(self.submit_comparison(search, **arguments).run, progress)
        assert isinstance(run, Comparison)  # noqa: S101 - it was submitted as one
        return run

    def submit_comparison(
        self,
        search: Run | str | None = None,
        *,
        task: str | None = None,
        optimizers: str | Iterable[str] | None = None,
        defaults: bool = False,
        configs: str | Path | Iterable[str | Path] = (),
        halve_learning_rate: bool = False,
        sweep: str | None = None,
        objective: str | None = None,
        seeds: int = 8,
        steps: int | None = None,
        seconds: float | None = None,
        validate_every: int | None = None,
        test_examples: int | None = None,
        accept_changes: bool = False,
        name: str | None = None,
        precision: str | None = None,
        options: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        max_attempts: int = 3,
        is_private: bool = False,
        weight: float = 1.0,
        **others: Any,
    ) -> SubmittedRun:
        """Submit a comparison, and return at once; the same one again changes nothing.

        Args:
            search: The run of the service whose tuned hyperparameters are compared, or its name. Default: none, which
                needs `defaults` or `configs`.
            task: Name of a task of the catalogue. Default: the search's.
            optimizers: As of `tuner.compare`, and so are the arguments up to `options`.
            defaults: Whether to use the default hyperparameters instead.
            configs: Exported configurations (JSON or YAML) of this machine, whose text is sent, to use instead.
            halve_learning_rate: Whether to halve every learning rate.
            sweep: Vary a parameter of LODO alone.
            objective: What makes one number of a run.
            seeds: Number of seeds.
            steps: Budget of a run in gradient evaluations.
            seconds: Train each run alone, and for at least this many seconds.
            validate_every: Gradient evaluations between two validations.
            test_examples: Number of examples of the test set.
            accept_changes: Whether the task's code or data may have changed since the search.
            name: Name of the run. Default: the search's or the task's, with "-comparison".
            precision: "float32", "float64" or "bfloat16".
            options: Keyword arguments of the task.
            timeout: As of `submit`, and so are the arguments from here.
            max_attempts: Attempts per run.
            is_private: Whether the run is hidden from other users.
            weight: Share of the workers among your runs.
            **others: Further arguments of `tuner.compare`, which are refused.

        Raises:
            InvalidRequest: An argument is unknown or out of range.
            ServiceRefused: There is another run of this name, or the token does not permit this.
        """
        check_others(others)
        if isinstance(search, Run):
            names = [workload.task for workload in search.studies[0].spec.workloads]
            if task is None and len(names) > 1:
                raise InvalidRequest("task", f"is missing: {search.name} was tuned on {', '.join(names)}")
            task, search = task or names[0], search.name
        if task is None:
            raise InvalidRequest("task", "is missing; it is required unless {search} is a run")
        body = {
            "task": named("task", task),
            "search": search,
            "optimizers": None if optimizers is None else named("optimizers", optimizers),
            "defaults": defaults,
            "configs": texts("configs", configs),
            "halve_learning_rate": halve_learning_rate,
            "sweep": sweep,
            "objective": objective,
            "seeds": seeds,
            "steps": steps,
            "seconds": seconds,
            "validate_every": validate_every,
            "test_examples": test_examples,
            "accept_changes": accept_changes,
            "precision": precision,
            "options": dict(options or {}),
            "timeout": timeout,
            "max_attempts": max_attempts,
            "is_private": is_private,
            "weight": weight,
        }
        return self._put("comparisons", name, body)

    def runs(self) -> list[Run | Comparison]:
        """Return all runs that have begun and may be seen, in the order in which they were created."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self.connection.get("/runs", limit=PAGE, cursor=cursor).json()
            found += page["items"]
            cursor = page["next"]
            if cursor is None:
                return [self._run(one["name"], one["kind"]) for one in reversed(found)]

    def run(self, name: str) -> Run | Comparison:
        """Return a run that has begun, by its name; of RUN/OPTIMIZER, a run with this study alone.

        Raises:
            UnknownStudy: There is no such run or study.
        """
        return RunDatabase(self.connection, name.partition("/")[0]).run(name)

    def studies(self) -> list[Study]:
        """Return all studies that may be seen, in the order in which their runs were created."""
        return [study for run in self.runs() for study in run]

    def submitted(self, name: str) -> SubmittedRun:
        """Return what is wanted of a run that was submitted, and what was reached.

        Raises:
            UnknownStudy: There is no such run.
            InvalidRequest: It was not submitted to the service.
        """
        request = self.connection.get(f"/runs/{quoted(name)}").json()["request"]
        if request is None:
            raise InvalidRequest("name", ": the run was not submitted to the service", name)
        return SubmittedRun.from_json(request)

    def queue(self) -> list[SubmittedRun]:
        """Return the runs that wait, are paused, have failed or are trained, in the order of submission."""
        return [SubmittedRun.from_json(one) for one in self.connection.get("/queue").json()["items"]]

    def wait(self, name: str, progress: bool | Callable[[str], None] | Progress | None = True) -> Run | Comparison:
        """Wait until a run is complete, and return it; see `tune`."""
        shown = progress_of(progress)
        with shown:
            follow(self.connection, name, shown.say)
        return self.run(name)

    def pause(self, name: str) -> SubmittedRun:
        """Have no further candidates of a run begun; those that are trained are finished."""
        return self.ask(name, "pause")

    def resume(self, name: str) -> SubmittedRun:
        """Continue a run that is paused."""
        return self.ask(name, "resume")

    def stop(self, name: str) -> SubmittedRun:
        """Have the candidates that are trained finished, and end a run."""
        return self.ask(name, "stop")

    def cancel(self, name: str) -> SubmittedRun:
        """End a run at once; finished candidates are kept."""
        return self.ask(name, "cancel")

    def retry_failed(self, name: str) -> SubmittedRun:
        """Try a run again that has failed, at once."""
        return self.ask(name, "retry-failed")

    def ask(self, name: str, verb: str) -> SubmittedRun:
        """Apply a verb to a run. Repeating it changes nothing.

        Args:
            name: Of the run.
            verb: One of `VERBS`.

        Raises:
            UnknownStudy: There is no such run.
            ServiceRefused: It belongs to another user, or cannot be asked in the state that it has reached.
        """
        if verb not in VERBS:
            raise InvalidRequest("verb", f"is one of {', '.join(VERBS)}", verb)
        return SubmittedRun.from_json(self.connection.send("POST", f"/runs/{quoted(name)}:{verb}").json())

    def _put(self, kind: str, name: str | None, body: Mapping[str, Any]) -> SubmittedRun:
        """Submit a run under its name, or under one that is free."""
        if name is not None:
            return self._put_named(kind, name, body)[0]
        for _ in range(MAX_NAMES):
            found = self.connection.send("POST", f"/{kind}:validate", body).json()
            if not found["valid"]:
                first = found["errors"][0]
                raise InvalidRequest(first["field"], first.get("accepted") or f": {first['message']}")
            try:
                submitted, is_new = self._put_named(kind, found["name"], body)
            except ServiceRefused as error:
                if error.status != 409 or error.differences is None:
                    raise
                continue  # another has taken the name meanwhile
            if is_new:
                return submitted
        raise InvalidRequest("name", ": others take the free names at the moment; give the run a name")

    def _put_named(self, kind: str, name: str, body: Mapping[str, Any]) -> tuple[SubmittedRun, bool]:
        answer = self.connection.send("PUT", f"/{kind}/{quoted(name)}", body)
        return SubmittedRun.from_json(answer.json()), answer.status == 201

    def _run(self, name: str, kind: str) -> Run | Comparison:
        database = RunDatabase(self.connection, name)
        return Run(database, name) if kind == "search" else Comparison(database, name)


def connect(url: str, *, token: str) -> Service:
    """Return a service of lodo-tune, of `lodo-tune serve`. Nothing is sent yet.

    Args:
        url: Its address, such as "https://lab.example.org/tune".
        token: A token of the service.

    Raises:
        InvalidRequest: The address or the token has another form.

    Example:
        >>> tuner.connect("http://127.0.0.1:8080", token="a" * 43)
        Service('http://127.0.0.1:8080')
    """
    return Service(Connection(url, token))
