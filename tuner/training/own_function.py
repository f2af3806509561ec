"""Training by a function of the user's, in any framework: one candidate.

Workers import this module in place of `tuner.training.train`; nothing here imports TensorFlow. The function runs in a
thread, so that what it reports and prints is sent while it runs, and so that a function that hangs is noticed.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks import importing
from tasks.training_function import keywords_of
from tuner.core.candidate_files import checkpoints_of, output_beside, reports_beside
from tuner.core.environment import CHECKPOINTS, GPUS, THREADS, environment
from tuner.core.errors import OtherInputs, RaisedInFunction, StopTraining, WorkerSpent
from tuner.core.events import LaneObservations, Reported
from tuner.core.fingerprint import Fingerprint, differences
from tuner.core.process_memory import GIGABYTE, Taken, memory_limit
from tuner.core.text import describe_error
from tuner.core.trial import Evaluation, Status, Trial, Workload, of_objectives
from tuner.training.captured_output import CapturedOutput, captured_output, flush
from tuner.training.code_fingerprint import function_code
from tuner.training.kept_reports import KeptReports
from tuner.training.keras_settings import given_backend
from tuner.training.process_state import restored_process_state, seed_generators
from tuner.training.reporting import Reporter

SEND_SECONDS = 1.0  # between two messages of a run that reports or prints
MEMORY_SECONDS = 0.05  # between two looks at the memory of a run that has a limit
MAX_NUMBERS = 2_000  # of a message, so that it is below 100 kB
CHANGED_FILES = "files that a function names must not change while it is tuned; restore them, and resume"
MAX_SEED = 2**31  # seeds of functions are below, as NumPy's, PyTorch's and JAX' generators require


@dataclass(frozen=True, slots=True)
class FunctionResources:
    """What a training function may use.

    Attributes:
        cpus: Cores. Libraries that read the usual variables (OMP_NUM_THREADS and others) use as many threads.
        gpus: GPUs, or a share of one; with 0 none is visible. CUDA_VISIBLE_DEVICES is set.
        checkpoints: A folder of this candidate, which is empty at its first attempt, and which a later attempt finds as
            it was left. It is deleted when the candidate has ended.
    """

    cpus: int
    gpus: float
    checkpoints: Path


def train(workload: Workload, lanes: Sequence[Trial]) -> Iterator[Reported | LaneObservations | Evaluation]:
    """Train one candidate by the function that the workload names.

    Args:
        workload: The workload of the trial.
        lanes: One trial.

    Yields:
        `Reported` at most once a second, and at the end, followed by one `Evaluation`.

    Raises:
        OtherInputs: The code is not the study's.
        BaseException: What the function raised.
    """
    (trial,) = lanes
    gpus = float(os.environ.get(GPUS, "0"))
    variables: dict[str, str | None] = dict.fromkeys(THREADS, str(workload.threads))
    variables["KERAS_BACKEND"] = given_backend()  # that of the user, and not the one of our own loop
    if not gpus:
        variables["CUDA_VISIBLE_DEVICES"] = "-1"
    # All is set before the function's module is imported, because libraries read it then.
    with (
        environment(variables),
        restored_process_state(),
        _folder(workload, trial) as folder,
        captured_output(output_beside(folder)) as output,
    ):
        function = importing.imported(workload.task, "training function")
        _check_code(workload)
        resources = FunctionResources(workload.threads, gpus, folder)
        started = time.perf_counter()
        has_checkpoint = any(folder.iterdir())
        run = _Run(function, workload, trial, resources)
        yield from run.reports(output, may_repeat=has_checkpoint)
        if run.is_to_repeat:  # what it could not read is what a lost worker was writing
            _empty(folder)
            run = _Run(function, workload, trial, resources)
            yield from run.reports(output)
        seconds = time.perf_counter() - started
        error = run.spent or run.error
        if isinstance(error, StopIteration):  # which would say that this generator has ended
            raise RaisedInFunction(error)
        if error is not None:
            raise error
        status, fitness, reason = run.reporter.judge()
        if workload.objective.further and status is Status.FINISHED:
            status, further, reason = run.reporter.further()
            if status is Status.FINISHED:
                one = of_objectives(run.reporter.steps_done, further)
                values = {name: (value,) for name, value in one.metrics.items()}
                yield LaneObservations(one.split, one.evaluations, one.seconds, one.elapsed, values)
            else:
                fitness = math.inf
        evaluation = Evaluation(
            key=trial.key,
            status=status,
            fitness=fitness,
            losses=(),
            steps_done=run.reporter.steps_done,
            seconds=seconds,
            device=f"GPU:{os.environ.get('CUDA_VISIBLE_DEVICES', '')}" if gpus else "CPU:0",
            reason=reason,
        )
    yield evaluation  # once its files are deleted: this process may be ended as soon as it is known


class _Run:
    """One call of a training function, in a thread of its own."""

    def __init__(
        self, function: Callable[..., Any], workload: Workload, trial: Trial, resources: FunctionResources
    ) -> None:
        asked = keywords_of(function, workload.task_label)
        # What takes no folder for checkpoints begins anew in each attempt.
        kept = KeptReports(reports_beside(resources.checkpoints) if "resources" in asked else None)
        self.reporter = Reporter(trial.steps, workload.objective, kept, trial.milestones)
        self.error: BaseException | None = None  # what it raised
        self.spent: WorkerSpent | None = None  # that it has taken too much memory
        self.is_to_repeat = False
        self._pid, self._seed = os.getpid(), trial.seed % MAX_SEED
        given = {
            "seed": self._seed,
            "budget": trial.steps,
            "report": self.reporter,
            "resources": resources,
        }
        keywords = {name: given[name] for name in asked}
        self._call = lambda: function(dict(trial.hyperparameters), **keywords)
        self._ended = threading.Event()

    def reports(self, output: CapturedOutput, *, may_repeat: bool = False) -> Iterator[Reported]:
        """Run the function; yield what it reports and prints.

        Args:
            output: What it prints.
            may_repeat: Whether it is to be repeated if it raises before its first report; no report is yielded then.
        """
        seed_generators(self._seed)
        thread = threading.Thread(target=self._run, name="training function", daemon=True)
        limit = memory_limit()
        taken = None if limit is None else Taken(limit)
        thread.start()
        printed = 0
        while not self._is_over(taken):
            flush()
            text, printed = (output.text() if output.size != printed else None), output.size
            for part in _parts(self.reporter.take()):
                yield Reported(part)
            yield Reported(output=text)
        if may_repeat and not self.reporter.has_reported and isinstance(self.error, Exception) and not self.spent:
            self.reporter.discard()
            self.is_to_repeat = True
            os.write(2, f"lodo-tune: without its checkpoint, after {describe_error(self.error)[0]}\n".encode())
            return
        self.reporter.close()
        flush()
        *parts, last = [*_parts(self.reporter.take())] or [()]
        for part in parts:
            yield Reported(part)
        has_failed = self.error is not None or self.spent is not None
        yield Reported(last, output.text() if output.size else None, is_last=not has_failed)

    def _is_over(self, taken: Taken | None) -> bool:
        """Wait for the next message; return whether the function has ended, or is to be ended.

        Args:
            taken: What it takes of the memory; None without a limit.
        """
        if taken is None:
            return self._ended.wait(SEND_SECONDS)
        end = time.monotonic() + SEND_SECONDS
        while time.monotonic() < end:
            has_ended = self._ended.wait(MEMORY_SECONDS)
            if excess := taken.excess():  # also of a function that has returned
                used, most = excess / GIGABYTE, taken.limit / GIGABYTE
                self.spent = WorkerSpent(f"out of memory: it took {used:.3g} GB, and a candidate may take {most:g} GB")
            if has_ended or self.spent:
                return True
        return False

    def _run(self) -> None:
        try:
            self._call()
        except StopTraining:
            pass
        except BaseException as error:
            self.error = error
        finally:
            if os.getpid() != self._pid:  # a process that the function forked, and did not end
                _end_fork(self.error)
            self._ended.set()


def _end_fork(error: BaseException | None) -> None:
    """End a forked process, of which this thread is the only one."""
    if error is not None:
        traceback.print_exception(error)
    flush()
    os._exit(0 if error is None else 1)


def _parts(observations: Sequence[LaneObservations]) -> Iterator[tuple[LaneObservations, ...]]:
    """Yield observations in parts of bounded size."""
    part: list[LaneObservations] = []
    numbers = 0
    for one in observations:
        part.append(one)
        numbers += 3 + len(one.metrics)
        if numbers >= MAX_NUMBERS:
            yield tuple(part)
            part, numbers = [], 0
    if part:
        yield tuple(part)


def _check_code(workload: Workload) -> None:
    """Check that this process has the code that the driver has recorded, and the files that the function names.

    Raises:
        OtherInputs: It has not.
    """
    differ = differences(Fingerprint(None, workload.code), Fingerprint(None, function_code(workload.task)))
    if differ:
        is_code = any(each.startswith("other code") for each in differ)
        raise OtherInputs(
            f"{workload.task_label} is not the same in every process: {' and '.join(differ)}: "
            + ("the driver has imported an earlier state of it; start it anew" if is_code else CHANGED_FILES)
        )


def _empty(checkpoints: Path) -> None:
    """Delete the checkpoints of a candidate, and what was reported before them."""
    shutil.rmtree(checkpoints, ignore_errors=True)
    checkpoints.mkdir(exist_ok=True)
    reports_beside(checkpoints).unlink(missing_ok=True)


@contextlib.contextmanager
def _folder(workload: Workload, trial: Trial) -> Iterator[Path]:
    """Yield the folder for the candidate's checkpoints; delete it when the candidate has ended, however it did."""
    root = os.environ.get(CHECKPOINTS)
    if root is None:
        with tempfile.TemporaryDirectory(prefix="lodo-tune-") as folder:
            (path := Path(folder) / "checkpoints").mkdir()
            yield path
        return
    path = checkpoints_of(Path(root), workload, trial)
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        for kept in (reports_beside(path), output_beside(path)):
            kept.unlink(missing_ok=True)
