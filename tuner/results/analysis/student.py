"""Student's t distribution, for whole degrees of freedom."""

from __future__ import annotations

import math

CONFIDENCE = 0.95


def t_quantile(freedom: int, confidence: float = CONFIDENCE) -> float:
    """Return the t with probability `confidence` of a t variable between -t and t.

    Args:
        freedom: Degrees of freedom, at least 1.
        confidence: The probability, between 0 and 1. Default 0.95.
    """
    low, high = 0.0, math.pi / 2
    for _ in range(60):  # halves an interval of 1.6 to the rounding error of its ends
        middle = (low + high) / 2
        low, high = (middle, high) if _between(middle, freedom) < confidence else (low, middle)
    return math.sqrt(freedom) * math.tan(high)


def _between(angle: float, freedom: int) -> float:
    """Return the probability of |t| < √freedom tan(angle), a finite sum (Abramowitz and Stegun 26.7.3 and 26.7.4)."""
    cosine, total = math.cos(angle), 0.0
    is_odd = freedom % 2
    term = cosine if is_odd else 1.0
    for power in range(2 + is_odd, freedom + 1, 2):
        total += term
        term *= cosine * cosine * (power - 1) / power
    if is_odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total
