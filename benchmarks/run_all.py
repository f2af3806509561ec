"""The benchmarks that measure a ratio, beside the last ratios of the machine.

    python benchmarks/run_all.py                                  # all; at most ten minutes
    python benchmarks/run_all.py --only additions lodo_step

Each runs in its shortest setting; one that fails, or has no time left, is named, and the others run. Ratios are kept as
soon as a benchmark ends, in a file for each machine (processor, cores, memory). "worse" is a ratio that has moved by
more than a quarter to the wrong side; a busy machine may cause it as well: repeat with --only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import setting

sys.path.insert(0, str(setting.ROOT))

from tuner.core.files import NotWritten, write
from tuner.studies.machine import hardware

FOLDER = Path(__file__).resolve().parent
WORSE = 1.25  # times the last ratio, to the wrong side
LAST = r"^(?P<name>\S.*?)  +.*? (?P<ratio>[\d.,]+)×$"  # a table whose last column is the ratio


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark, and how its ratios are read."""

    name: str  # of its file
    options: tuple[str, ...]  # of its shortest setting
    pattern: str  # of a line, with the groups `name` and `ratio`, or `one` and `other` for one / other
    is_speed: bool  # whether a higher ratio is better


BENCHMARKS = (
    Benchmark(
        "workers", (), r"^busy share +(?P<one>[\d.]+)% of .*, (?P<other>[\d.]+)% one .*; (?P<name>.* compile)", True
    ),
    Benchmark("additions", ("--rounds", "5", "--steps", "2000"), LAST, False),
    Benchmark("own_optimizer", ("--rounds", "5", "--steps", "2000"), LAST, False),
    Benchmark("lodo_step", ("--rounds", "5"), r"^(?P<name>\w+) .* (?P<ratio>[\d.]+) × the floor$", False),
    Benchmark(
        "keras_task_step", ("--rounds", "3", "--steps", "100"), r"^(?P<name>\w+ +loop, \S+) .* (?P<ratio>\S+)$", False
    ),
    Benchmark(
        "candidate_step",
        ("--tasks", "rosenbrock", "--optimizers", "Adam", "LODO", "--rounds", "3"),
        r"^(?P<name>\S+ +\S+ +compiled, \d+ lanes?) .* (?P<ratio>[\d.,]+)×$",
        True,
    ),
    Benchmark("train_command", ("--rounds", "1"), r"^(?P<name>eager loop / .*?) +(?P<ratio>[\d.,]+)×$", True),
    Benchmark(
        "pixelcnn_step",
        ("--batch-size", "32", "--threads", "1", "--rounds", "2", "--no-eager"),
        r"^(?P<name>batch .*): ours is (?P<ratio>[\d.]+)×",
        True,
    ),
    Benchmark(
        "resnet_step",
        ("--batch-size", "8", "--rounds", "2"),
        r"^(?P<name>float32|bfloat16) .* (?P<ratio>[\d.]+)× Keras' speed$",
        True,
    ),
    Benchmark(
        "pixelcnn_evaluation",
        ("--images", "4", "--at-once", "4", "--digits", "1", "--rounds", "1"),
        r"^(?P<name>ours.*?)  +.* (?P<ratio>[\d.]+)×$",
        True,
    ),
    Benchmark(
        "function_overhead",
        ("--generations", "4", "--trials", "8"),
        r"^(?P<name>an empty training function), .* per trial, (?P<ratio>[\d.,]+)×$",
        True,
    ),
)


class Failed(Exception):  # noqa: N818 (names a state)
    """A benchmark gave no ratios; the text says why."""


def ratios_of(benchmark: Benchmark, text: str) -> dict[str, float]:
    """Return the ratios by name that a benchmark has printed."""
    found = {}
    for line in text.splitlines():
        if matched := re.match(benchmark.pattern, line):
            parts = {key: value for key, value in matched.groupdict().items() if key != "name"}
            numbers = {key: float(value.replace(",", "")) for key, value in parts.items()}
            name = " ".join(matched["name"].split())
            found[name] = numbers["ratio"] if "ratio" in numbers else numbers["one"] / numbers["other"]
    return found


def measured(benchmark: Benchmark, seconds: float) -> dict[str, float]:
    """Run a benchmark for at most so many seconds, and return its ratios by name; or raise Failed."""
    command = [sys.executable, FOLDER / f"{benchmark.name}.py", *benchmark.options]
    # A session of its own, so that what it has started, such as Ray's processes, ends with it.
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"not done within the {seconds:.0f} s that were left") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        last = (errors.strip() or "no message").splitlines()[-1]
        raise Failed(f"exit code {process.returncode}: {last}")
    if not (found := ratios_of(benchmark, output)):
        raise Failed("it printed no ratio")
    return found


def file_of_machine(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return the file of this machine's ratios, and the machine."""
    machine = {key: value for key, value in hardware().items() if key != "node"}
    digest = hashlib.sha256(json.dumps(machine, sort_keys=True).encode()).hexdigest()
    return folder / f"ratios-{digest[:12]}.json", machine


def recorded(path: Path) -> dict[str, dict[str, float]]:
    """Return the recorded ratios by benchmark and name; empty if there are none."""
    if not path.exists():
        return {}
    try:
        return {
            name: {key: float(value) for key, value in ratios.items()}
            for name, ratios in json.loads(path.read_text(encoding="utf-8"))["ratios"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SystemExit(f"{path} is not a file of ratios; move it away: {type(error).__name__}: {error}") from None


def rows(benchmark: Benchmark, now: dict[str, float], last: dict[str, float]) -> list[str]:
    """Return the lines of a benchmark in the table."""
    lines = []
    for name, ratio in now.items():
        before, change = "", ""
        if last.get(name):
            factor = ratio / last[name]
            is_worse = (1 / factor if benchmark.is_speed else factor) > WORSE
            before, change = f"{last[name]:,.2f}", f"{factor - 1:+.0%}{'  worse' if is_worse else ''}"
        better = "higher" if benchmark.is_speed else "lower"
        lines.append(f"{benchmark.name:<20} {name:<46} {ratio:>9,.2f} {before:>9}  {better:<6} {change}".rstrip())
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [each.name for each in BENCHMARKS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--minutes", type=float, default=10.0, help="no benchmark goes on after them. Default: 10")
    parser.add_argument("--records", type=Path, default=FOLDER / "results", help="folder of the recorded ratios")
    parser.add_argument("--no-record", action="store_true", help="compare only")
    asked = parser.parse_args(arguments)
    if not asked.records.is_dir():
        parser.error(f"--records must be a folder that exists. Received: {asked.records}")
    path, machine = file_of_machine(asked.records)
    ratios = recorded(path)
    ends, failures = time.monotonic() + 60 * asked.minutes, 0
    print(f"{setting.machine()}\n{'benchmark':<20} {'ratio':<46} {'now':>9} {'last':>9}  {'better':<6} change")
    for benchmark in (each for each in BENCHMARKS if each.name in asked.only):
        try:
            found = measured(benchmark, max(0.0, ends - time.monotonic()))
        except Failed as failure:
            failures += 1
            print(f"{benchmark.name:<20} {failure}", flush=True)
            continue
        print("\n".join(rows(benchmark, found, ratios.get(benchmark.name, {}))), flush=True)
        if not asked.no_record:
            ratios[benchmark.name] = found
            try:
                write(path, json.dumps({"machine": machine, "ratios": ratios}, indent=1) + "\n", overwrite=True)
            except NotWritten as error:
                raise SystemExit(str(error)) from None
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # what has ended is recorded
        sys.exit(130)
