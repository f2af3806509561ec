"""`benchmarks/run_all.py`: ratios are read, recorded by machine, and compared with the last ones."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_OUT = {  # measure costs or quality, and no ratio of times; the README says so
    *("overhead", "storage", "service_pages", "report", "search_quality", "search_details", "pareto_fronts"),
    *(
        "mixed_spaces",
        "function_scale",
        "service_restart",
        "service_streams",
        "pareto_tasks",
        "digits_network",
        "service_fairness",
        "service_load",
        "pruning",
    ),
}
PRINTED = {
    "additions": ("schedule and clipping        1.234    1.301   1.06×", {"schedule and clipping": 1.06}),
    "candidate_step": (
        "rosenbrock           LODO                 eager                   900.00     880.00       1×\n"
        "rosenbrock           LODO                 compiled, 16 lanes        1.02       1.00 1,234.5×",
        {"rosenbrock LODO compiled, 16 lanes": 1234.5},
    ),
    "lodo_step": (
        "floor           10.0  least       9.0    1.00 × the floor\n"
        "LODO            42.0  least      40.0    4.20 × the floor",
        {"floor": 1.0, "LODO": 4.2},
    ),
    "workers": (
        "busy share    90.0% of 8 workers side by side, 45.0% one after the other; 0 s to compile, a median second to"
        " train",
        {"0 s to compile": 2.0},
    ),
}


@pytest.fixture(scope="module")
def run_all():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        return importlib.import_module("run_all")
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture
def fake(run_all, tmp_path, monkeypatch):
    """Return a function that makes benchmarks from code; their records are in a folder of their own."""
    monkeypatch.setattr(run_all, "FOLDER", tmp_path)

    def make(**codes):
        for name, code in codes.items():
            (tmp_path / f"{name}.py").write_text(code)
        kinds = tuple(run_all.Benchmark(name, (), run_all.LAST, name.startswith("fast")) for name in codes)
        monkeypatch.setattr(run_all, "BENCHMARKS", kinds)

    return make


def printing(ratio):
    return f"print('loop                     1.0    1.0   {ratio}×')"


def test_every_benchmark_is_run_or_known_to_measure_no_ratio(run_all):
    readme = (ROOT / "benchmarks/README.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `python benchmarks/(\w+)\.py`", readme, re.MULTILINE)) - {"run_all"}
    assert {each.name for each in run_all.BENCHMARKS} | LEFT_OUT == described


@pytest.mark.parametrize("name", PRINTED)
def test_ratios_are_read_from_what_a_benchmark_prints(run_all, name):
    benchmark = next(each for each in run_all.BENCHMARKS if each.name == name)
    text, expected = PRINTED[name]
    assert run_all.ratios_of(benchmark, f"a processor, 2 cores, load 0.1\n{text}") == expected


def test_ratios_are_compared_with_those_of_the_last_time(run_all, fake, tmp_path, capsys):
    arguments = ["--records", str(tmp_path)]
    fake(cost=printing("1.00"), fast=printing("10.0"))
    assert run_all.main(arguments) == 0
    assert "worse" not in capsys.readouterr().out
    fake(cost=printing("1.50"), fast=printing("1,000.0"))
    assert run_all.main([*arguments, "--no-record"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].split() == ["cost", "loop", "1.50", "1.00", "lower", "+50%", "worse"]
    assert lines[-1].split() == ["fast", "loop", "1,000.00", "10.00", "higher", "+9900%"]
    fake(cost=printing("0.50"), fast=printing("5.0"))
    run_all.main(arguments)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[3:] for line in lines[-2:]] == [
        ["1.00", "lower", "-50%"],
        ["10.00", "higher", "-50%", "worse"],
    ]


def test_a_benchmark_that_fails_is_named_and_the_others_run(run_all, fake, tmp_path, capsys):
    fake(cost="raise ValueError('no data')", silent="", fast=printing("2.0"))
    assert run_all.main(["--records", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "exit code 1: ValueError: no data" in out
    assert "it printed no ratio" in out
    assert re.search(r"^fast +loop +2\.00", out, re.MULTILINE)


def test_a_benchmark_for_which_no_time_is_left_is_ended_and_named(run_all, fake, tmp_path, capsys):
    fake(slow="import time; time.sleep(60)", other=printing("2.0"))
    assert run_all.main(["--records", str(tmp_path), "--minutes", "0"]) == 1
    assert capsys.readouterr().out.count("not done within the 0 s that were left") == 2
    assert not list(tmp_path.glob("ratios-*"))


def test_a_damaged_file_of_ratios_is_named(run_all, fake, tmp_path):
    fake(cost=printing("1.0"))
    run_all.file_of_machine(tmp_path)[0].write_text("{}")
    with pytest.raises(SystemExit, match=r"ratios-[0-9a-f]{12}\.json is not a file of ratios; move it away"):
        run_all.main(["--records", str(tmp_path)])
