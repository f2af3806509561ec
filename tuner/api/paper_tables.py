"""Tables for papers: runs of one database or several in one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tuner.api.database import Database
from tuner.api.finding import by_run, find
from tuner.api.reading import comparisons_of, summary_of
from tuner.results.analysis.margins import judged
from tuner.results.analysis.searches import merged
from tuner.results.tables.wide import Results, wide_table
from tuner.results.tables.wide_table import Printing


def paper_table(sources: Sequence[tuple[Database, str | None]], printing: Printing, format: str = "text") -> str:
    """Return one table of runs from one database or several.

    Args:
        sources: Each run or study with its database, in the order of the columns; None stands for all runs.
        printing: The layout.
        format: "text", "markdown", "latex" or "csv". Default "text".

    Raises:
        InvalidRequest: A database has no study, the runs do not fit into one table, or a name is not in it.
        UnknownStudy: A name is not that of a run or study.
        ValueError: There is no such format.
    """
    runs: list[tuple[str, str, Results]] = []  # database, run, results
    for database, name in sources:
        with database.reading() as store:
            for run, records in by_run(find(store, [] if name is None else [name])).items():
                if records[0].is_search:
                    results: Results = merged(judged([summary_of(store, record) for record in records]))
                else:
                    (results,) = comparisons_of(store, records)
                runs.append((database.url.rpartition("/")[2], run, results))
    often = Counter(run for _, run, _ in runs)
    names = [f"{place}:{run}" if often[run] > 1 else run for place, run, _ in runs]
    return wide_table([results for _, _, results in runs], printing, names).to_format(format, printing)
