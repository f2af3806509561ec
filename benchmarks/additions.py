"""What additions cost: Adam with a schedule, weight decay, clipping and an average, beside Adam alone.

    python benchmarks/additions.py                # µs a candidate-step in a cohort of 16 on the bowl

All loops run on one thread of one process and take turns. Ratios are medians over the rounds of the time with additions
over the time without, in one round.
"""

from __future__ import annotations

import argparse
import json
import statistics

import own_optimizer
import setting

SCHEDULE = {"warmup_ratio": 0.1, "cosine_final": 0.01}
ADDITIONS = {
    "schedule and clipping": {**SCHEDULE, "global_clipnorm": 10.0},
    "schedule": SCHEDULE,
    "global_clipnorm": {"global_clipnorm": 10.0},
    "clipvalue": {"clipvalue": 1.0},
    "weight_decay": {"weight_decay": 1e-4},
    "ema_momentum": {"ema_momentum": 0.99},
    "all": {**SCHEDULE, "global_clipnorm": 10.0, "weight_decay": 1e-4, "ema_momentum": 0.99},
}
LIMIT = 1.1  # the ratio that is promised of a schedule and clipping


def candidate_steps(steps: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return the microseconds a candidate-step without and with each set of additions, and their ratio."""
    sets = {"none": {}, **ADDITIONS}
    runs = {
        name: own_optimizer.loop_of("Adam", None, steps, own_optimizer.HYPERPARAMETERS | added)[0]
        for name, added in sets.items()
    }
    for run in runs.values():
        run()
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds):
        for name in sorted(runs, key=lambda name: (list(runs).index(name) + number) % len(runs)):  # no fixed order
            taken[name].append(setting.timed(runs[name])[0] / (steps * own_optimizer.LANES) * 1e6)
    return {
        name: {
            "least": min(times),
            "median": statistics.median(times),
            "ratio": statistics.median(time / alone for time, alone in zip(times, taken["none"], strict=True)),
        }
        for name, times in taken.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=5_000, help="steps a round")
    parser.add_argument("--rounds", type=int, default=30, help="times that each loop is timed")
    parser.add_argument("--json", action="store_true", help="the rows as JSON")
    arguments = parser.parse_args()
    setting.prepare()
    rows = candidate_steps(arguments.steps, arguments.rounds)
    if arguments.json:
        print(json.dumps({"candidate_steps": rows, "limit": LIMIT}))
        return
    print(f"{setting.machine()}; one thread, float64, cohorts of {own_optimizer.LANES}, {arguments.rounds} rounds")
    print(f"{'additions':<24} {'least µs':>9} {'median':>8} {'ratio':>7}")
    for name, row in rows.items():
        print(f"{name:<24} {row['least']:>9.3f} {row['median']:>8.3f} {row['ratio']:>6.2f}×")


if __name__ == "__main__":
    main()
