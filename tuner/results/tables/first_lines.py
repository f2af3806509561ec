"""First lines of a table: the best optimizer, its lead, certainty and cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tuner.core.objective import Objective, default_direction
from tuner.core.study import StudyStatus
from tuner.core.text import one_line
from tuner.core.trial import Status
from tuner.results.analysis.comparison import Comparison, Contender
from tuner.results.analysis.ranking import Standing
from tuner.results.analysis.searches import compared
from tuner.results.analysis.significance import LEVEL
from tuner.results.analysis.summary import Summary
from tuner.results.analysis.verdict import Verdict
from tuner.results.tables import front
from tuner.results.tables.behind import is_equivalent
from tuner.results.tables.numbers import counted, mean_and_spread, measured, number, seconds
from tuner.results.tables.points import share
from tuner.results.tables.sizes import percent, relative_size

Lines = list[tuple[str, str]]  # a word, and the answer

MAX_NAMED = 4  # optimizers in one answer; further ones are counted
_SPLITS = ("validation", "test")


def of_searches(group: Sequence[Summary]) -> Lines:
    """Return the answers on searches with comparable fitnesses."""
    objective = group[0].objective
    lines = [("objective", objective.description)]
    ranked = sorted((one for one in group if one.tuned.mean is not None), key=lambda one: one.tuned.rank(one.objective))
    fronts = [(one, one.front) for one in group if one.front is not None]
    if all(one.is_imported for one in group):
        lines.append(("best", _seen(group)))
    elif fronts:
        lines += [line for one, found in fronts for line in front.first_lines(one, found)]
        if group[0].searches:
            lines += [("certainty", f"{front.name_of(one)}: {front.of_each(found)}") for one, found in fronts]
        else:
            lines.append(("certainty", _once(group[0])))
    elif ranked:
        first = ranked[0]
        so_far = "" if all(one.status == StudyStatus.COMPLETE for one in group) else "so far "
        over = f"on {counted(first.tuned.seeds, 'fresh seed')}"
        if first.searches:
            over = f"over {len(first.searches)} searches"
        elif first.tuned.is_exact:
            over = "(exact, one run)"
        best = f"{so_far}{first.optimizer}: {_fresh(first)} {over}"
        if len(ranked) > 1:
            best += f"; next {ranked[1].optimizer}: {_fresh(ranked[1])}"
            best += _apart(objective, first.tuned.mean, ranked[1].tuned.mean)
        lines += [("best", best), ("tuning", _tuning(group)), ("certainty", _certainty(ranked))]
    else:
        complete = all(one.status == StudyStatus.COMPLETE for one in group)
        lines.append(("best", "none" if complete else "not known yet: it is decided on fresh seeds, at the end"))
    search = sum(one.search_cost.evaluations for one in group)
    fresh = sum(one.fresh_cost.evaluations for one in group)
    took = sum(one.search_cost.seconds + one.fresh_cost.seconds for one in group)
    saved = sum(one.saved for one in group)
    spent = f"{search + fresh:,} {group[0].unit}, {fresh:,} of them on fresh seeds"
    spent += f" ({saved:,} saved by pruning)" if saved else ""
    lines.append(("cost", f"{spent}; {seconds(took)} s of training"))
    failed = [(one, one.counts.diverged + one.counts.failed + one.counts.timed_out) for one in group]
    ends = [f"{one.optimizer} {count:,} of {one.counts.total:,}" for one, count in failed if count]
    return _one_line([*lines, ("lost", f"{_listed(ends)} individuals" if ends else "nothing")])


def _seen(group: Sequence[Summary]) -> str:
    """Return the best of imported searches, which have no fresh seeds."""
    known = [(one.objective.fitness(one.searched), one) for one in group if one.searched is not None]
    if not known:
        return "none"
    first = min(known, key=lambda pair: pair[0])[1]
    return f"{first.optimizer}: {number(first.searched)}, as its search measured it, without fresh seeds"


def _fresh(one: Summary) -> str:
    return mean_and_spread(one.tuned.mean, one.tuned.spread or None) + share(one.tuned)


def _tuning(group: Sequence[Summary]) -> str:
    """Return for how many optimizers tuning was better than the defaults, and the names of the others."""
    clear = (Verdict.BETTER, Verdict.DEFAULT_DIVERGED, Verdict.DEFAULT_MISSED)
    better = [one for one in group if one.verdict in clear]
    others = [f"{one.optimizer} ({one.verdict.value})" for one in group if one.verdict not in clear]
    text = f"better than the defaults for {len(better)} of {counted(len(group), 'optimizer')}{_sizes(better)}"
    return text + (f"; not for {_listed(others)}" if others else "")


def _sizes(better: Sequence[Summary]) -> str:
    """Return the gain of a single optimizer with its interval, or the least and the greatest gain of several."""
    known = [one for one in better if one.gain.relative.value is not None]
    if len(known) < 2:
        return "".join(f", by {relative_size(one.gain.relative)}" for one in known)
    sizes = sorted(one.gain.relative.value or 0.0 for one in known)
    least, greatest = (f"{percent(share)}" for share in (sizes[0], sizes[-1]))
    return f", by {least}" if least == greatest else f", by {least.removesuffix(' %')} to {greatest}"


def _certainty(ranked: Sequence[Summary]) -> str:
    """Return how certain the order on fresh seeds is, with the limits of one search per optimizer."""
    if ranked[0].searches:
        return _certainty_over_searches(ranked)
    once = _once(ranked[0])
    if len(ranked) < 2:
        return once
    first, second = ranked[0].tuned, ranked[1].tuned
    if first.mean is None or second.mean is None or first.spread is None or second.spread is None:
        return f"{once} and another order"
    spread = math.hypot(first.spread, second.spread)
    gap = abs(first.mean - second.mean)
    apart = f"differ by {number(gap / spread, 2)} standard deviations" if spread else "do not vary"
    apart = "are exact" if first.is_exact and second.is_exact else f"{apart} over fresh seeds"
    return f"the two best {apart}; {once} and another order"


def _once(one: Summary) -> str:
    """Return what a result of one search says."""
    return f"one search of each optimizer (seed {one.seed}); another seed may find other values"


def _certainty_over_searches(ranked: Sequence[Summary]) -> str:
    """Return how sure the order of the two best is over searches, compared search by search."""
    first = ranked[0]
    once = all(each.tuned.is_exact for one in ranked[:2] for each in one.searches)
    both = "of searches alone" if once else "both of searches and of trainings"
    if len(ranked) < 2:
        return f"{len(first.searches)} searches, whose spread is {both}"
    verdict, gain, wins = compared(first, ranked[1])
    against = f"{first.optimizer} is better than {ranked[1].optimizer} in {wins} of {len(first.searches)} searches"
    size = "" if gain.relative.value is None else f", by {relative_size(gain.relative)}"
    sure = {Verdict.BETTER: "which is clear", Verdict.TOO_FEW_SEEDS: "too few for a verdict"}
    return f"{against}{size}: {sure.get(verdict, 'which is not clear')}; the spread is {both}"


def of_comparison(comparison: Comparison) -> Lines:
    """Return the answers on a comparison."""
    objective = comparison.objective
    lines = [("objective", objective.description)]
    contenders = comparison.contenders
    tested = [one for one in contenders if one.by_steps.rank.standing is not Standing.UNTESTED]
    winner = next((one for one in tested if one.by_steps.rank.standing is Standing.BEST), None)
    if winner is not None and winner.by_steps.loss is not None:
        others = [one for one in contenders if one is not winner and one.by_steps.loss is not None]
        others.sort(key=lambda one: objective.fitness(_mean(one)))
        best = f"{winner.name}: {_loss(winner)} over {counted(winner.by_steps.loss.runs, 'run')}"
        if others:
            best += f"; next {others[0].name}: {_loss(others[0])}{_apart(objective, _mean(winner), _mean(others[0]))}"
        lines.append(("best", best))
        if len(contenders) > 1:
            lines.append(("certainty", _tests(comparison, winner)))
        lines += [("but", text) for text in differing_orders(comparison, winner)]
    else:
        left = sum(one.left for one in contenders)
        lines.append(
            ("best", f"not known yet: {counted(left, 'run')} left" if left else "no ranking; see the remark below")
        )
    runs = [run.candidate for one in contenders for run in one.runs]
    spent, took = sum(run.steps_done for run in runs), sum(run.seconds for run in runs)
    cost = f"{spent:,} gradient evaluations in {counted(len(runs), 'run')}"
    if took > 0 or not comparison.is_imported:  # a file need not have seconds
        cost += f"; {seconds(took)} s of training"
    lines.append(("cost", cost))
    lost = []
    for one in contenders:
        unfinished = (Status.DIVERGED, Status.FAILED, Status.TIMED_OUT)
        ends = [f"{one.counts[end]} {end}" for end in unfinished if one.counts[end]]
        ends += [f"{one.by_steps.missed} missed the target"] if one.by_steps.missed else []
        lost += [f"{one.name} {' and '.join(ends)} of {one.seeds}"] if ends else []
    return _one_line([*lines, ("lost", _listed(lost))])


def differing_orders(comparison: Comparison, winner: Contender) -> list[str]:
    """Return a remark for each metric of validation and test that is best for another contender than the objective.

    The metric of the objective itself has none. Means over the runs that finished are compared, without a test.
    """
    remarks = []
    for split in _SPLITS:
        for metric in comparison.metrics:
            if f"{split}.{metric}" == comparison.objective.metric:
                continue
            means = [(one, getattr(one, split).get(metric)) for one in comparison.contenders]
            known = [(one, estimate.mean) for one, estimate in means if estimate is not None]
            own = next((mean for one, mean in known if one is winner), None)
            if own is None or len(known) < 2:
                continue
            sign = -1.0 if default_direction(f"validation.{metric}") == "max" else 1.0
            best, value = min(known, key=lambda each: sign * each[1])
            if sign * value < sign * own:
                own_mean = f"{winner.name} has {measured(own)}"
                remarks.append(f"by {split} {metric} {best.name} is best, with {measured(value)}; {own_mean}")
    return remarks


def _tests(comparison: Comparison, winner: Contender) -> str:
    """Return against how many the best is significantly better, and with whom it is tied."""
    others = [one for one in comparison.contenders if one is not winner]
    equivalent = [one.name for one in others if is_equivalent(one)]
    left = [one for one in others if one.name not in equivalent]
    tied = [one.name for one in left if one.by_steps.rank.standing is Standing.TIE]
    worse = [one for one in left if one.by_steps.rank.p is not None and one.by_steps.rank.p <= LEVEL]
    exact = [one for one in left if one.by_steps.rank.standing is Standing.WORSE and one.by_steps.rank.p is None]
    untested = len(left) - len(tied) - len(worse) - len(exact)
    parts = [f"significantly better than {len(worse)} of {len(others)} (p at most {LEVEL:g})"] if worse else []
    parts += [f"exactly better than {len(exact)} of {len(others)} (equal on every seed)"] if exact else []
    parts += [f"equivalent to {_listed(equivalent)}"] if equivalent else []
    parts += [f"tied with {_listed(tied)}"] if tied else []
    parts += [f"{untested} not tested, see below"] if untested else []
    return "; ".join(parts)


def _mean(one: Contender) -> float:
    return math.inf if one.by_steps.loss is None else one.by_steps.loss.mean


def _loss(one: Contender) -> str:
    estimate = one.by_steps.loss
    return measured(None) if estimate is None else mean_and_spread(estimate.mean, estimate.spread or None)


def _apart(objective: Objective, best: float | None, other: float | None) -> str:
    """Return how far the second is from the first: a factor of positive values, or else a difference."""
    if best is None or other is None or not (math.isfinite(best) and math.isfinite(other)):
        return ""
    if best > 0 and other > 0 and not objective.is_max:
        ratio = other / best
        return f" ({number(ratio, 3) if ratio < 100 else f'{ratio:,.0f}'} ×)"
    return f" ({number(abs(other - best), 2)} {'less' if other < best else 'more'})"


def _listed(texts: Sequence[str]) -> str:
    """Return texts with commas, the last ones counted if there are many; "nothing" without any."""
    if not texts:
        return "nothing"
    rest = len(texts) - MAX_NAMED
    return ", ".join(texts) if rest <= 0 else f"{', '.join(texts[:MAX_NAMED])} and {rest} more"


def _one_line(lines: Lines) -> Lines:
    return [(word, one_line(text)) for word, text in lines]
