"""The times of a comparison to several targets, as CSV."""

from __future__ import annotations

import math
from typing import Any

from tuner.results.analysis.target_profile import Profile
from tuner.results.tables.formats import strict_csv


def csv_of(profile: Profile) -> str:
    """Return a row per contender, target and seed; the evaluations are empty where the target was missed."""
    rows: list[list[Any]] = [
        [profile.run, name, f"{profile.metric}{profile.goal}{target:g}", seed, time if math.isfinite(time) else None]
        for name, by_target in zip(profile.names, profile.evaluations.tolist(), strict=True)
        for target, times in zip(profile.targets, by_target, strict=True)
        for seed, time in enumerate(times)
    ]
    return strict_csv(["run", "contender", "target", "seed", "evaluations"], rows)
