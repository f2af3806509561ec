"""What holds for all tests: no clock decides whether one passes, and those that start Ray run one after the other."""

import gc
import os
import re
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

import tuner.training  # noqa: F401  (chooses TensorFlow's kernels for all tests, before anything imports it)
from tests.thorough import is_thorough

# A shell has SIGINT ignored in what it starts with `&`, and ignored signals are inherited; tests interrupt commands.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Ray gives its workers a low priority: beside other tests they would come to almost nothing until those have ended.
os.environ.setdefault("RAY_worker_niceness", "0")
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

PAGE = re.compile(r"tests/documents/.*\[([\w./-]+\.md)-")  # of a test of a document's command
SEARCH = re.compile(r"\.md-(lodo-tune (--task|compare|paper)|python \w+\.py)")  # of what takes longest
STARTS_RAY = {
    "test_compare",
    "test_executors",
    "test_gpu",
    "test_keras_names",
    "test_killed_services",
    "test_metrics",
    "test_own_optimizers",
    "test_own_code_on_ray",
    "test_poor_machines",
    "test_ray_clusters",
    "test_ray_faults",
    "test_ray_session",
    "test_runs",
    "test_scripts",
    "test_sessions",
    "test_submit",
}
"""Files whose tests start a Ray, or commands that do, which takes both cores of a small machine."""


def pytest_collection_finish():
    """Have the garbage collector visit imported modules no more, and the rest less often.

    Graphs of TensorFlow are millions of objects; at the usual thresholds visits to them take some 5 % of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


def pytest_collection_modifyitems(items):
    """Mark the tests of these files, and those of `make test-thorough`."""
    for item in items:
        if is_thorough(item.nodeid):
            item.add_marker(pytest.mark.thorough)
        if item.path.stem in STARTS_RAY:
            item.add_marker(pytest.mark.ray)


def weight(scope, tests):
    """Return how long the tests of a scope may take: those that start a Ray most, then by their number."""
    return float("inf") if scope == "ray" else sum(4 if SEARCH.search(test) else 1 for test in tests)


class ByFile(LoadScopeScheduling):
    """Has a process of pytest-xdist run whole files, all that start a Ray, or all commands of a page of documentation.

    Marks of groups (`--dist loadgroup`) have no effect with pytest 9.2 and pytest-xdist 3.8, without a warning.
    A test that ends its process, as one that hangs does after `faulthandler_timeout`, is reported once, and the others
    run: pytest-xdist's own scheduler of scopes runs it again in each new process, or waits forever for one.
    """

    def _split_scope(self, nodeid):
        if page := PAGE.search(nodeid):
            return page[1]
        file = nodeid.partition("::")[0]
        return "ray" if Path(file).stem in STARTS_RAY else file

    def _assign_work_unit(self, node):
        longest = max(self.workqueue, key=lambda scope: weight(scope, self.workqueue[scope]))
        self.workqueue.move_to_end(longest, last=False)  # so that no process waits for another at the end
        super()._assign_work_unit(node)

    def remove_node(self, node):
        left = {scope: unit for scope, unit in self.assigned_work.pop(node).items() if not all(unit.values())}
        if not left:
            return None
        scope, unit = next(iter(left.items()))
        crashed = next(test for test, is_completed in unit.items() if not is_completed)
        unit[crashed] = True
        if all(unit.values()):
            del left[scope]
        self.workqueue.update(left)
        for other in self.assigned_work:
            self._reschedule(other)
        return crashed

    def _reschedule(self, node):
        super()._reschedule(node)
        if not node.shutting_down and self._pending_of(self.assigned_work[node]) == 1:
            super()._reschedule(node)  # a process begins a test only once it has the next one, or is told to end


def pytest_xdist_make_scheduler(config, log):
    """Return the scheduler of `--dist loadfile`; others are pytest-xdist's own."""
    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(autouse=True)
def restored_signal_handlers():
    """Restore the handlers of signals: a command that is interrupted in this process leaves them ignored."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def no_module_of_another_test(tmp_path_factory):
    """Forget the modules of a test's folder, and where it had modules searched: another test uses the same names."""
    before = list(sys.path)
    yield
    sys.path[:] = before
    folder = str(tmp_path_factory.getbasetemp())
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(folder):
            del sys.modules[name]
