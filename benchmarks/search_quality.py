"""How good are the points that search strategies recommend, at equal cost?

Complete searches are run in this process, without Ray and without a database, several at once in cohorts of 16. Each
finished search is a line of JSON in the file of results, so that an interrupted run continues where it was. A search's
score is the mean loss of its recommended point over 64 fresh seeds, which are the same for all searches.

    python benchmarks/search_quality.py --arms genetic,genetic-third --problems bowl:Adam --searches 20
    python benchmarks/search_quality.py --report
    python benchmarks/search_quality.py --figure docs/images/search.png
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from setting import prepare

LANES = 16
SCORE_SEEDS = 64
TASKS = {  # gradient evaluations of a full training, and candidates that are trained side by side
    "bowl": ("noisy-quadratic-bowl", 1_000, LANES),
    "bowl-10000": ("noisy-quadratic-bowl", 10_000, LANES),
    "rosenbrock": ("rosenbrock", 200, LANES),
    "digits": ("digits_keras:Digits", 200, 1),
    "digits-50": ("digits_keras:Digits", 50, 1),
}
RESULTS = Path(__file__).parent / "results" / "search_quality.jsonl"
RESAMPLES = 10_000
COLUMNS = 4  # panels of a figure side by side


class Problem:
    """An optimizer on a task with a budget: trains points in cohorts, in a loop that is compiled once.

    Args:
        name: "TASK:OPTIMIZER", with a task of `TASKS`.
    """

    def __init__(self, name: str) -> None:
        from search_spaces import loader
        from tuner.core.trial import Workload

        task, _, self.optimizer = name.partition(":")
        self.name = name
        where, self.steps, self._lanes = TASKS[task]
        self.space = loader.builtin(self.optimizer)
        self._workload = Workload(task=where, optimizer=self.optimizer, cohort_size=self._lanes)

    def losses(self, jobs: Sequence[tuple[Any, int, int]]) -> list[float]:
        """Return the loss of each (genome, seed, budget); inf where it diverged."""
        found = [math.inf] * len(jobs)
        for budget in sorted({job[2] for job in jobs}):
            # By seed: what a seed starts with is kept for a while by the training loop.
            places = sorted((at for at, job in enumerate(jobs) if job[2] == budget), key=lambda at: jobs[at][1])
            for first in range(0, len(places), self._lanes):
                for place, loss in self._cohort(jobs, places[first : first + self._lanes]):
                    found[place] = loss
        return found

    def _cohort(self, jobs: Sequence[tuple[Any, int, int]], places: list[int]) -> Iterator[tuple[int, float]]:
        from tuner.core.trial import Evaluation, Key, Role, Trial
        from tuner.training.train import train

        padded = places + [places[-1]] * (self._lanes - len(places))
        lanes = [
            Trial(Key(Role.SEARCH, 0, lane), self.space.decode(jobs[at][0]), jobs[at][1], jobs[at][2])
            for lane, at in enumerate(padded)
        ]
        for event in train(self._workload, lanes):
            if isinstance(event, Evaluation) and event.key.slot < len(places):
                yield places[event.key.slot], float(event.fitness)

    def scores(self, points: Sequence[Any]) -> list[float]:
        """Return the mean loss of each point over the fresh seeds."""
        from tuner.core.seeds import derive

        seeds = [derive(2**40, "score", number) for number in range(SCORE_SEEDS)]
        found = np.array(self.losses([(point, seed, self.steps) for point in points for seed in seeds]))
        return [float(value) for value in found.reshape(len(points), SCORE_SEEDS).mean(axis=1)]


def run(problem: Problem, arm: Callable[..., Any], numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Run searches side by side; return what each recommends and what it cost."""
    searches = {number: arm(problem, number) for number in numbers}
    asked = {number: next(search) for number, search in searches.items()}
    spent = dict.fromkeys(numbers, 0)
    failed = dict.fromkeys(numbers, 0)
    points: dict[int, Any] = {}
    while asked:
        jobs = [
            (genome, seed, budget)
            for genomes, budget, seeds in asked.values()
            for genome, seed in zip(genomes, seeds, strict=True)
        ]
        losses = iter(problem.losses(jobs))
        answers = {number: [next(losses) for _ in genomes] for number, (genomes, _, _) in asked.items()}
        for number, found in answers.items():
            spent[number] += len(found) * asked[number][1]
            failed[number] += sum(not math.isfinite(loss) for loss in found)
            try:
                asked[number] = searches[number].send(found)
            except StopIteration as end:
                points[number] = end.value
                del asked[number]
    return [
        {"search": number, "genome": [float(gene) for gene in points[number]], "evaluations": spent[number],
         "failed": failed[number]}
        for number in numbers
    ]  # fmt: skip


def measure(problems: Sequence[str], names: Sequence[str], searches: int, together: int, results: Path) -> None:
    """Run the searches that the results lack, and write each as a line."""
    from search_arms import arms

    known = {(row["problem"], row["arm"], row["search"]) for row in read(results)}
    available = arms()
    results.parent.mkdir(exist_ok=True)
    for name in problems:
        problem = Problem(name)
        if (name, "default", 0) not in known:
            _write(results, name, "default", [{"search": 0, "genome": problem.space.default_genome().tolist(),
                                               "evaluations": 0, "failed": 0}], problem)  # fmt: skip
        for arm in names:
            missing = [number for number in range(searches) if (name, arm, number) not in known]
            for first in range(0, len(missing), together):
                started = time.monotonic()
                rows = run(problem, available[arm], missing[first : first + together])
                losses = _write(results, name, arm, rows, problem)
                took = time.monotonic() - started
                print(f"{name} {arm}: {len(rows)} searches, mean {np.mean(losses):.6g}, {took:.0f} s", flush=True)


def _write(results: Path, problem_name: str, arm: str, rows: list[dict[str, Any]], problem: Problem) -> list[float]:
    losses = problem.scores([row["genome"] for row in rows])
    with results.open("a", encoding="utf-8") as file:
        for row, loss in zip(rows, losses, strict=True):
            kept = loss if math.isfinite(loss) else None
            file.write(json.dumps({"problem": problem_name, "arm": arm, **row, "loss": kept}) + "\n")
    return losses


def read(results: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of results; none if there is no such file."""
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()] if results.exists() else []


def table(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the losses [searches] by problem and arm; inf where a recommended point diverges."""
    found: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row["search"]):
        loss = math.inf if row["loss"] is None else row["loss"]
        found.setdefault(row["problem"], {}).setdefault(row["arm"], []).append(loss)
    return {problem: {arm: np.array(losses) for arm, losses in by.items()} for problem, by in found.items()}


def difference(ours: Any, theirs: Any, seed: int = 0) -> tuple[float, float, float, float]:
    """Return the mean difference of log losses, its bootstrap interval of 95 %, and a two-sided p-value.

    Searches of one number are paired; where one arm has more searches, the others are left out.
    """
    count = min(len(ours), len(theirs))
    pairs = np.log(np.minimum(ours[:count], 1e300)) - np.log(np.minimum(theirs[:count], 1e300))
    picked = np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))
    means = pairs[picked].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    p = 2 * min((means >= 0).mean(), (means <= 0).mean())
    return float(pairs.mean()), float(low), float(high), float(max(p, 1 / RESAMPLES))


def holm(values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number by Holm's method."""
    order = np.argsort(values)
    corrected, highest = [0.0] * len(values), 0.0
    for rank, at in enumerate(order.tolist()):
        highest = max(highest, min(1.0, values[at] * (len(values) - rank)))
        corrected[at] = highest
    return corrected


def report(rows: Sequence[dict[str, Any]], ours: str) -> Iterator[str]:
    """Yield the lines of a report: each arm on each problem, and one arm against all others."""
    for problem, by in table(rows).items():
        best = min(losses.min() for losses in by.values())
        default = by["default"][0]
        yield f"{problem}: best known {best:.6g}, defaults {default:.6g}"
        peers = [arm for arm in by if arm not in (ours, "default")]
        compared = {arm: difference(by[ours], by[arm]) for arm in peers} if ours in by else {}
        corrected = dict(zip(compared, holm([entry[3] for entry in compared.values()]), strict=True))
        for arm, losses in sorted(by.items(), key=lambda item: float(np.median(item[1]))):
            if arm == "default":
                continue
            excess = losses / best - 1
            finite = losses[np.isfinite(losses)]
            spread = f" ± {finite.std(ddof=1):.3g}" if len(finite) > 1 else ""
            line = (
                f"  {arm:22s} n {len(losses):2d}  {finite.mean():.6g}{spread}  regret "
                f"{np.mean((finite - best) / (default - best)):.2e}  within 0.5 %: {(excess <= 0.005).mean():.0%}"
                f"  above 5 %: {(excess > 0.05).sum()}"
            )
            if len(finite) < len(losses):
                line += f"  of {len(losses) - len(finite)} the point diverges on a fresh seed: not in the mean"
            if arm in compared and np.isfinite([*losses, *by[ours]]).all():
                ratio, low, high = (math.exp(value) for value in compared[arm][:3])
                line += f"  {ours} / it: {ratio:.4f} [{low:.4f}, {high:.4f}] p {corrected[arm]:.3g}"
            yield line


def figure(rows: Sequence[dict[str, Any]], target: Path) -> None:
    """Draw the excess over the best known loss: one panel per problem, one row per arm, a point per search."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    found = table(rows)
    shown = [arm for arm in ("genetic", "genetic-third", "genetic-32", "cma-es", "optuna-tpe", "optuna-tpe-common",
                             "optuna-cma-common", "top-k", "random", "paper")
             if any(arm in by for by in found.values())]  # fmt: skip
    columns = min(len(found), COLUMNS)
    rows_of_panels = -(-len(found) // columns)
    panes, axes = plt.subplots(
        rows_of_panels,
        columns,
        figsize=(2.6 * columns + 1, (0.28 * len(shown) + 1.2) * rows_of_panels),
        sharey=True,
        squeeze=False,
    )
    for axis in axes.flat[len(found) :]:
        axis.remove()
    for axis, (problem, by) in zip(axes.flat, found.items(), strict=False):
        best = min(losses.min() for losses in by.values())
        for place, arm in enumerate(shown):
            if arm in by:
                excess = 100 * (by[arm] / best - 1)
                axis.plot(np.maximum(excess, 0.01), [place] * len(excess), f"C{place}o", alpha=0.5, markersize=4)
        axis.set(title=problem, xscale="log", xlabel="% above the best known")
        axis.set_yticks(range(len(shown)), shown)
        axis.grid(visible=True, axis="x", alpha=0.3)
    axes[0][0].invert_yaxis()
    panes.tight_layout()
    panes.savefig(target, dpi=110)


def overhead() -> Iterator[str]:
    """Yield the processor time of `genetic` per generation, for several populations and dimensions."""
    from tuner import strategies

    for population, dimensions in ((8, 3), (32, 3), (320, 12), (1_000, 12), (3_000, 12)):
        steps = (10, *[40] * 6)
        search = strategies.create(
            "genetic", mean=[0.0] * dimensions, lower=[-700.0] * dimensions, upper=[700.0] * dimensions,
            population=population, steps=steps, seed=0, parameters={"sigmas": [3.0] * len(steps)},
        )  # fmt: skip
        random, spent = np.random.default_rng(0), []
        while True:
            started = time.process_time()
            proposal = search.ask()
            if proposal is None:
                break
            losses = np.exp(0.3 * ((proposal.genomes - 2) ** 2).mean(axis=1) + 0.02 * random.normal(size=population))
            search.tell(np.where(proposal.genomes[:, 0] > 5, np.inf, losses).tolist())
            spent.append(time.process_time() - started)
        yield f"{population:5d} individuals, {dimensions:2d} dimensions: {max(spent):.2f} s at most per generation"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--arms", default="genetic,genetic-third,cma-es,random,paper,top-k,optuna-tpe,optuna-tpe-common"
    )
    parser.add_argument("--problems", default="bowl:Adam,bowl:RMSprop,bowl:Momentum,bowl:L-BFGS,rosenbrock:RMSprop")
    parser.add_argument("--searches", type=int, default=20)
    parser.add_argument("--together", type=int, default=10, help="searches that run side by side")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--report", action="store_true", help="only print the results")
    parser.add_argument("--ours", default="genetic", help="the arm that a report compares with the others")
    parser.add_argument("--figure", type=Path, help="only draw the results")
    parser.add_argument("--overhead", action="store_true", help="only measure the driver's time of genetic")
    options = parser.parse_args()
    if options.overhead:
        prepare()
        print("\n".join(overhead()))
        return
    if options.figure is not None:
        figure(read(options.results), options.figure)
    elif not options.report:
        prepare()
        measure(
            options.problems.split(","), options.arms.split(","), options.searches, options.together, options.results
        )
    if options.figure is None:
        print("\n".join(report(read(options.results), options.ours)))


if __name__ == "__main__":
    main()
