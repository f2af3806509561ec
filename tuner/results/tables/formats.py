"""Strict formats for programs: JSON without NaN, and CSV without formulas."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tuner.core.text import nearest

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def check_format(name: str, accepted: Sequence[str]) -> None:
    """Check that the name of a format is accepted.

    Raises:
        ValueError: It is not accepted; the message lists the accepted names and suggests the nearest.
    """
    if name not in accepted:
        raise ValueError(
            f"there is no format of this name{nearest(name, accepted)}. Accepted: {', '.join(accepted)}. "
            f"Received: {name!r:.80}"
        )


def strict_json(value: Any) -> str:
    """Return indented JSON, keys in the order given; a number that is not finite becomes null."""
    return json.dumps(_finite(value), indent=2, allow_nan=False)


def strict_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return CSV with full precision; None and numbers that are not finite become empty cells.

    A text that a spreadsheet would evaluate as a formula is preceded by an apostrophe: one that begins with = + - @, a
    tab or a carriage return, and is not a number.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().removesuffix("\n")


def _finite(value: Any) -> Any:
    """Return a value with lists for sequences and None for floats that are not finite."""
    if isinstance(value, Mapping):
        return {str(key): _finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    text = str(value)
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") and not _NUMBER.fullmatch(text) else text
