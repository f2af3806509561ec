"""Sentences and small texts that several pages show."""

from __future__ import annotations

from tuner.core.study import StudyRecord, StudyStatus
from tuner.results.analysis.standing import Lead, Standing
from tuner.results.analysis.verdict import Verdict
from tuner.results.tables.listing import holder
from tuner.results.tables.numbers import measured
from tuner.results.tables.points import on_fresh_seeds
from tuner.results.tables.sizes import size


def lasting(seconds: float | None) -> str:
    """Return a duration in words for people, such as "3 h 20 min", at least a minute; "" for None."""
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "a minute"
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
    name = lead.first.label
    if lead.is_on_fresh_seeds:
        return f"{name}: {on_fresh_seeds(lead.first.tuned)}"
    value = None if lead.first.best is None else lead.first.best.value
    return f"{name}: {measured(value)} so far"


CLEAR, OPEN, UNKNOWN = "Clear", "Inconclusive", "Not known yet"


def certainty(lead: Lead | None) -> tuple[str, str]:
    """Return how sure it is that the leader is the best: CLEAR, OPEN or UNKNOWN, and the reason."""
    if lead is None:
        return UNKNOWN, "No candidate has finished yet."
    if not lead.is_on_fresh_seeds:
        return UNKNOWN, (
            "Not decided before the runs on fresh seeds. The best candidates of a search are optimistically biased."
        )
    if lead.first.objective.further:
        word, reason = OPEN, "The searches have several objectives; the table has the front of each."
    elif lead.first.totals.record.search.is_repeated:
        word, reason = (
            OPEN,
            "It is the best of several searches for each optimizer; the tables have means over searches.",
        )
    elif lead.second is None or lead.verdict is None:
        word, reason = OPEN, "No other optimizer has results on fresh seeds."
    else:
        word, reason = _against(lead, lead.second.optimizer, lead.verdict)
    return word, reason if lead.is_final else f"{reason} Provisional: not every search is complete."


def _against(lead: Lead, other: str, verdict: Verdict) -> tuple[str, str]:
    gain, seeds = size(lead.gain), lead.first.tuned.seeds
    clear = {
        Verdict.BETTER: f"Better than {other} by {gain} on the same {seeds} fresh seeds, seed by seed.",
        Verdict.DEFAULT_DIVERGED: f"{other} diverged on more of the {seeds} fresh seeds.",
        Verdict.DEFAULT_MISSED: f"{other} missed the target on more of the {seeds} fresh seeds.",
    }
    still_open = {
        Verdict.WITHIN_THE_SPREAD: f"{other} is {gain} behind on the same {seeds} fresh seeds, which is within "
        "twice the spread.",
        Verdict.WORSE: f"{other} has better values where both finished.",
        Verdict.TOO_FEW_SEEDS: "Too few fresh seeds finished for a verdict.",
    }
    if verdict in clear:
        return CLEAR, clear[verdict]
    return OPEN, still_open.get(verdict, f"Neither finished on all of the {seeds} fresh seeds ({verdict.value}).")


def improvement(one: Standing) -> str:
    """Return the verdict on the tuned point of a search against its defaults, in a few words."""
    if one.objective.further:
        return "a compromise between the objectives"
    if one.verdict is Verdict.NOT_RUN:
        return "decided on fresh seeds at the end" if one.tuned.seeds else "no fresh seeds"
    return one.verdict.value if one.gain.mean is None else f"{one.verdict.value}: {size(one.gain)}"
