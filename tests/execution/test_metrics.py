"""Metrics of a study on the metrics port of a real Ray, without its dashboard."""

import inspect
import json
import math
import re
import time
import urllib.request
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conformance.executor_conformance import FAKE
from tests.support.builders import ADAM, MOMENTUM, spec, study
from tests.support.ray_sessions import ROOT, local_session, ray_executor, wait_until
from tuner.core.events import AttemptEnded, AttemptStarted
from tuner.core.trial import Evaluation, Key, Role, Status
from tuner.execution.ray.metrics import COUNTERS, GAUGES, Metrics, StudyMetrics
from tuner.storage import Store
from tuner.studies.callbacks import Callback, CallbackList
from tuner.studies.driver import run_study

KEYS = [Key(Role.SEARCH, 1, slot) for slot in range(6)]
METHODS = [name for name, _ in inspect.getmembers(Callback, inspect.isfunction) if not name.startswith("_")]


@pytest.fixture(scope="module")
def scrape():
    """Yield a function that reads the metrics of one run and optimizer from the port of a Ray session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_metrics_report_interval_ms", "1000")  # ten times as often as usual
        patch.setattr("tuner.execution.ray.metrics.REFRESH_SECONDS", 0.2)
        with local_session(dashboard=False) as session, Metrics() as metrics:
            yield Scrape(session, metrics)


class Scrape:
    """Reader of the metrics port of a session."""

    def __init__(self, session, metrics):
        import ray

        (node,) = ray.nodes()
        self.session, self.metrics = session, metrics
        self.url = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"

    def __call__(self, run, optimizer="Adam"):
        """Return the values by name, or by (name, status); check that each is labelled with the task."""
        figures = {}
        for family in text_string_to_metric_families(self.text()):
            for sample in family.samples:
                if sample.labels.get("run") == run and sample.labels["optimizer"] == optimizer:
                    assert sample.labels["task"] == "rosenbrock"
                    status = sample.labels.get("status")
                    figures[(sample.name, status) if status else sample.name] = sample.value
        return figures

    def text(self):
        """Return the text that Prometheus would read; empty until Ray's agent has started."""
        try:
            with urllib.request.urlopen(self.url, timeout=300) as answer:
                return answer.read().decode()
        except OSError:
            return ""

    def until(self, run, expected, optimizer="Adam"):
        """Wait for values, given by names without the prefix "ray_lodo_tune_"; return all values."""
        expected_figures = {
            (f"ray_lodo_tune_{key}" if isinstance(key, str) else (f"ray_lodo_tune_{key[0]}", key[1])): value
            for key, value in expected.items()
        }
        figures = {}

        def has_expected():
            figures.update(self(run, optimizer))
            return expected_figures.items() <= figures.items()

        assert wait_until(has_expected), figures
        return figures


def evaluation(slot, outcome, attempt=1):
    status = outcome if isinstance(outcome, Status) else Status.FINISHED
    return Evaluation(KEYS[slot], status, math.inf if outcome is status else outcome, (), 100, 0.1, attempt=attempt)


def begin_study(scrape, search_spec):
    metrics = scrape.metrics.study()
    metrics.on_study_begin(study(search_spec, tuned=False))
    metrics.on_batch_begin("generation 1", 200, KEYS)
    return metrics


def test_the_metrics_of_a_study_are_served_on_the_metrics_port(scrape, tmp_path):
    space = {
        "optimizer": "Adam",
        "hyperparameters": {"rate": {"scale": "log", "default": 0.5}, "act": {"scale": "log", "default": 0.5}},
    }
    search_spec = replace(spec(space, steps=(20, 20), run="real", fresh_seeds=2), parameters={"sigmas": [0.01, 0.01]})
    search_spec = replace(search_spec, workload=replace(search_spec.workload, cohort_size=2))
    executor = ray_executor(scrape.session, train=FAKE + "train")
    with Store.open(str(tmp_path / "metrics.db")) as store:
        run_study(store, store.create_study(search_spec), executor, scrape.metrics.study(), owner="here:1")
        best = min(row.fitness for row in store.candidates(1) if row.key.role is Role.SEARCH and row.key.generation)
    scrape.until(
        "real",
        {
            "candidates_done_total": 12,
            "candidates_planned": 12,
            ("candidates", "finished"): 12,
            "generation": 1,
            "best_fitness": best,
            "candidates_running": 0,
            "lanes_busy": 0,
        },
    )


def test_best_and_median_fitness_are_finite_and_of_finished_candidates_only(scrape):
    metrics = begin_study(scrape, spec(run="fitness"))
    for slot, outcome in enumerate([3.0, Status.DIVERGED, 1e308, 7.0, Status.TIMED_OUT, 1.7e308]):
        metrics.on_event(evaluation(slot, outcome))
    metrics.on_event(evaluation(0, 0.5))  # a second result of a candidate is ignored
    figures = scrape.until(
        "fitness",
        {
            ("candidates", "finished"): 4,
            ("candidates", "diverged"): 1,
            ("candidates", "failed"): 0,
            ("candidates", "timed out"): 1,
            "candidates_done_total": 7,
            "best_fitness": 3,
            "median_fitness": 5e307,  # of 3, 7, 1e308 and 1.7e308: halfway between the middle two
        },
    )
    assert all(math.isfinite(value) for value in figures.values())


def test_no_fitness_is_exported_without_finished_candidates(scrape):
    begin_study(scrape, spec(run="hopeless")).on_event(evaluation(0, Status.DIVERGED))
    figures = scrape.until("hopeless", {("candidates", "diverged"): 1, "candidates_done_total": 1})
    assert not any("fitness" in name for name in figures if isinstance(name, str))


def test_recorded_results_of_a_resumed_study_are_not_counted_as_done_by_it(scrape):
    metrics = begin_study(scrape, spec(run="resumed"))
    metrics.on_recorded_result(KEYS[0], Status.FINISHED, 2.0)
    metrics.on_recorded_result(KEYS[1], Status.FAILED, math.inf)
    metrics.on_event(evaluation(2, 1.0))
    scrape.until(
        "resumed",
        {
            "candidates_done_total": 1,
            ("candidates", "finished"): 2,
            ("candidates", "failed"): 1,
            "best_fitness": 1,
        },
    )


def test_running_candidates_and_cohorts_are_counted(scrape):
    metrics = begin_study(scrape, spec(run="running"))
    metrics.on_event(AttemptStarted(tuple(KEYS[:2]), 1, "node", 1))
    metrics.on_event(AttemptStarted(tuple(KEYS[2:4]), 1, "node", 2))
    metrics.on_event(AttemptStarted(tuple(KEYS[4:]), 1, "node", 3))
    metrics.on_event(evaluation(0, 1.0))  # its cohort continues with slot 1
    metrics.on_event(AttemptEnded(tuple(KEYS[2:4]), 1, "worker crashed"))
    scrape.until("running", {"attempts_failed_total": 1, "candidates_running": 3, "lanes_busy": 2})
    metrics.on_study_end(study())
    scrape.until("running", {"candidates_running": 0, "lanes_busy": 0})


def test_concurrent_studies_have_separate_metrics(scrape):
    one, other = (
        begin_study(scrape, spec(ADAM, run="pair")),
        begin_study(scrape, spec(MOMENTUM, run="pair", fresh_seeds=5)),
    )
    one.on_event(evaluation(0, 4.0))
    other.on_event(evaluation(0, 6.0))
    one.on_event(evaluation(1, 2.0))
    scrape.until("pair", {"candidates_done_total": 2, "best_fitness": 2, "candidates_planned": 2 * 4 + 2 * 3})
    scrape.until(
        "pair", {"candidates_done_total": 1, "best_fitness": 6, "candidates_planned": 2 * 4 + 2 * 5}, "Momentum"
    )


def test_every_metric_is_exported_under_its_documented_name(scrape):
    metrics = begin_study(scrape, spec(run="all"))
    metrics.on_event(AttemptStarted(tuple(KEYS[:2]), 1, "node", 1))
    metrics.on_event(AttemptEnded(tuple(KEYS[:1]), 1, "worker crashed"))
    metrics.on_event(evaluation(1, 1.0))
    figures = scrape.until("all", {"attempts_failed_total": 1, "best_fitness": 1, ("candidates", "finished"): 1})
    names = {name if isinstance(name, str) else name[0] for name in figures}
    assert {name.removeprefix("ray_").removesuffix("_total") for name in names} == {*GAUGES, *COUNTERS}


def test_every_metric_of_the_grafana_dashboard_is_exported(scrape):
    dashboard = json.loads((ROOT / "docker" / "grafana" / "dashboards" / "lodo-tune.json").read_text())
    shown = set(
        re.findall(r"\bray_\w+", " ".join(t["expr"] for panel in dashboard["panels"] for t in panel["targets"]))
    )
    ours = {f"ray_{name}" for name in GAUGES} | {f"ray_{name}_total" for name in COUNTERS}
    assert ours <= shown
    assert wait_until(lambda: shown - ours <= set(re.findall(r"^ray_\w+", scrape.text(), re.MULTILINE)))


def test_metrics_are_still_exported_while_nothing_changes(scrape):
    """Ray drops a gauge that was not set for two of its intervals, here two seconds."""
    begin_study(scrape, spec(run="quiet"))
    scrape.until("quiet", {"generation": 1})
    time.sleep(4.5)  # two intervals, and one more in which the last value is sent
    assert scrape("quiet")["ray_lodo_tune_generation"] == 1


def test_the_docs_list_every_metric_with_its_kind_and_meaning():
    rows = re.findall(
        r"^\| `(ray_lodo_tune_\w+)` \| (\w+) \| (.*) \|$", (ROOT / "docs/guides/monitoring.md").read_text(), re.M
    )
    documented = {name: (kind, text) for name, kind, text in rows}
    expected = {f"ray_{name}": ("gauge", text) for name, text in GAUGES.items()}
    expected |= {f"ray_{name}_total": ("counter", text) for name, text in COUNTERS.items()}
    assert documented.keys() == expected.keys()
    for name, (kind, text) in expected.items():
        assert documented[name][0] == kind
        assert documented[name][1].startswith(text)


@pytest.mark.parametrize("method", METHODS)
def test_a_callback_list_calls_each_callback_in_order(method):
    calls = []

    class RecordsCalls:
        def __init__(self, name):
            self.name = name

        def __getattr__(self, method_name):
            return lambda *arguments: calls.append((self.name, method_name, arguments))

    parameters = list(inspect.signature(getattr(Callback, method)).parameters)[1:]
    getattr(CallbackList(RecordsCalls("first"), RecordsCalls("second")), method)(*parameters)
    assert calls == [(name, method, tuple(parameters)) for name in ("first", "second")]


def test_names_that_are_not_ascii_become_labels_and_a_metric_that_ray_refuses_ends_nothing():
    class Refuses:
        def inc(self, tags):
            assert all(value.isascii() for value in tags.values())
            raise UnicodeEncodeError("ascii", "任务", 0, 2, "ordinal not in range(128)")

    listener = StudyMetrics(dict.fromkeys(COUNTERS, Refuses()))
    record = study()
    workload = replace(record.spec.workload, task="/modèle.py:任务")
    listener.on_study_begin(replace(record, spec=replace(record.spec, workload=workload)))
    assert listener.tags["task"] == r"mod\xe8le.py:\u4efb\u52a1"
    listener.on_event(Evaluation(KEYS[0], Status.FINISHED, 1.0, (1.0,), 1, 0.1))
    assert listener.figures()["lodo_tune_candidates", Status.FINISHED] == 1
