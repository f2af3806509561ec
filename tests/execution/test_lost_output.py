"""What a candidate printed before its worker was lost."""

import pytest

from tests.execution.test_taken_memory import KilledWorker
from tests.support.fake_training import trial
from tests.support.simulated_workers import SimulatedPool
from tuner.core.candidate_files import checkpoints_of, output_beside
from tuner.core.trial import Evaluation, Status, Workload
from tuner.execution.pool_executor import PoolExecutor
from tuner.execution.resources import Resources

WORKLOAD = Workload(task="fake", optimizer="Adam", cohort_size=1)


class PrintingWorker(KilledWorker):
    """A worker that prints into its candidate's file before it is killed."""

    def train(self, attempt, workload, name, watchdog):
        file = output_beside(checkpoints_of(self._pool.checkpoints, workload, attempt.lanes[0]))
        file.write_bytes(b"attempt %d\n" % attempt.number + b"x" * self._pool.size + b"\nthe end\n")
        super().train(attempt, workload, name, watchdog)


class LosingPool(SimulatedPool):
    """A pool whose workers are killed at each attempt."""

    def __init__(self, checkpoints, size):
        super().__init__(1, lambda *_: 1.0)
        self.kills, self.checkpoints, self.size = 3, checkpoints, size

    def start_worker(self, avoided):
        self.started.append(PrintingWorker(self, len(self.started)))
        return self.started[-1]


@pytest.mark.parametrize("size", [0, 1_000_000])
def test_a_candidate_whose_workers_are_lost_has_what_its_last_attempt_printed(tmp_path, size):
    pool = LosingPool(tmp_path, size)
    with PoolExecutor(pool, Resources(max_attempts=3), checkpoints=tmp_path, clock=lambda: pool.now) as executor:
        events = list(executor.evaluate(WORKLOAD, [trial(0)], label="fake"))
    (evaluation,) = [event for event in events if isinstance(event, Evaluation)]
    assert (evaluation.status, evaluation.attempt) == (Status.FAILED, 3)
    assert evaluation.output.startswith("attempt 3\n")
    assert evaluation.output.endswith("\nthe end\n")
    assert len(evaluation.output) < 50_000
    assert not list(tmp_path.iterdir())
