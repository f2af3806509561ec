"""Sentences and small texts that several pages show."""

from __future__ import annotations

from tuner.core.study import StudyRecord, StudyStatus
from tuner.results.analysis.standing import Lead, Standing
from tuner.results.analysis.verdict import Verdict
from tuner.results.tables.listing import holder
from tuner.results.tables.numbers import mean_and_spread, measured


def lasting(seconds: float | None) -> str:
    """Return a duration in words for people, such as "3 h 20 min"; "" for None."""
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "under a minute"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes and hours < 10 else f"{hours} h"
    return f"{round(hours / 24)} days"


def state(record: StudyRecord) -> str:
    """Return the status of a study; "lost" where a running study has a driver that no longer renews its lease."""
    if record.status == StudyStatus.RUNNING and "(lost)" in holder(record):
        return "lost"
    return record.status


def leader(lead: Lead | None) -> str:
    """Return who leads, in a few words."""
    if lead is None:
        return "No result yet"
    name = lead.first.optimizer
    if lead.is_on_fresh_seeds:
        mean = mean_and_spread(lead.first.tuned.mean, lead.first.tuned.spread)
        return f"{name}: {mean}"
    value = None if lead.first.best is None else lead.first.best.value
    return f"{name}: {measured(value)} so far"


def certainty(lead: Lead | None) -> str:
    """Return how sure it is that the leader is the best, and why."""
    if lead is None:
        return "Nothing has finished."
    if not lead.is_on_fresh_seeds:
        return (
            "Not known before fresh seeds have run. So far the best candidates of the searches are compared, and the "
            "best of many is lucky."
        )
    if lead.second is None or lead.verdict is None:
        verdict = "No other optimizer has results on fresh seeds."
    else:
        verdict = _against(lead, lead.second.optimizer, lead.verdict)
    return verdict if lead.is_final else f"{verdict} Provisional: not every search is complete."


def _against(lead: Lead, other: str, verdict: Verdict) -> str:
    gain, seeds = mean_and_spread(lead.gain.mean, lead.gain.spread), lead.first.tuned.seeds
    return {
        Verdict.BETTER: f"Clear: better than {other} by {gain} on the same {seeds} fresh seeds, seed by seed.",
        Verdict.WITHIN_THE_SPREAD: f"Open: {other} is {gain} behind on the same {seeds} fresh seeds, which is within "
        "twice the spread.",
        Verdict.WORSE: f"Open: {other} has better values where both finished.",
        Verdict.DEFAULT_DIVERGED: f"Clear: {other} diverged on more of the {seeds} fresh seeds.",
        Verdict.DEFAULT_MISSED: f"Clear: {other} missed the target on more of the {seeds} fresh seeds.",
        Verdict.TOO_FEW_SEEDS: "Open: too few fresh seeds finished.",
    }.get(verdict, f"Open: both did not finish on some of the {seeds} fresh seeds ({verdict}).")


def improvement(one: Standing) -> str:
    """Return the verdict on the tuned point of a search against its defaults, in a few words."""
    if one.verdict is Verdict.NOT_RUN:
        return "decided on fresh seeds at the end" if one.tuned.seeds else "no fresh seeds"
    gain = mean_and_spread(one.gain.mean, one.gain.spread)
    return one.verdict.value if one.gain.mean is None else f"{one.verdict.value}: {gain}"
