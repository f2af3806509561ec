"""Training functions that share GPUs, on Ray's logical ones."""

from __future__ import annotations

import pytest

from tests.support.ray_sessions import local_session, ray_executor
from tuner.core.objective import Objective
from tuner.core.trial import Evaluation, Key, Role, Status, Trial, Workload
from tuner.execution.executor import FUNCTION_TRAIN
from tuner.training.code_fingerprint import function_code

TOGETHER = 4

FUNCTION = """
import os
import time
from pathlib import Path

NAMES = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
AT_IMPORT = [os.environ.get(name, "none") for name in NAMES]

def train(hyperparameters, *, report, resources):
    print(*AT_IMPORT, [os.environ.get(name) for name in NAMES] == AT_IMPORT, resources.cpus, resources.gpus)
    here = Path(hyperparameters["folder"])
    (here / str(os.getpid())).touch()
    end = time.monotonic() + 60
    while len(list(here.iterdir())) < hyperparameters["together"]:  # all train at a time
        if time.monotonic() > end:
            return
        time.sleep(0.02)
    report(1, loss=0.0)
"""


@pytest.mark.ray
@pytest.mark.slow
def test_two_candidates_share_a_device_which_is_set_with_the_threads_before_the_module_is_imported(tmp_path):
    (tmp_path / "shared.py").write_text(FUNCTION)
    (met := tmp_path / "met").mkdir()
    task = f"{tmp_path / 'shared.py'}:train"
    workload = Workload(
        task=task,
        optimizer="train",
        cohort_size=1,
        threads=2,
        code=function_code(task),
        objective=Objective(metric="validation.loss", reduction="end", window=None),
    )
    given = {"folder": str(met), "together": TOGETHER}
    trials = [Trial(Key(Role.SEARCH, 0, slot), given, 0, 1) for slot in range(TOGETHER)]
    options = {"gpus_per_candidate": 0.5, "cpus_per_candidate": 2, "timeout": 120.0, "checkpoints": tmp_path / "kept"}
    with (
        local_session(workers=2 * TOGETHER, gpus=TOGETHER // 2) as session,
        ray_executor(session, train=FUNCTION_TRAIN, **options) as executor,
    ):
        events = [event for event in executor.evaluate(workload, trials, label="") if isinstance(event, Evaluation)]
    assert [event.status for event in events] == [Status.FINISHED] * TOGETHER, [event.reason for event in events]
    # Each of the two devices has two candidates at a time, which have two threads and half of the device each.
    assert sorted(event.output for event in events) == [f"{at} 2 2 True 2 0.5\n" for at in (0, 0, 1, 1)]
    assert sorted(event.device for event in events) == ["GPU:0", "GPU:0", "GPU:1", "GPU:1"]
