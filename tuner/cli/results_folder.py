"""The files that --output of a search or a comparison writes: tables, tuned configurations, figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tuner.cli.figures import run_figures
from tuner.cli.show import table
from tuner.core import files
from tuner.core.study import StudyRecord
from tuner.results import exports
from tuner.storage import Damaged, Store

FIGURES = ("png", "pdf")  # to look at, and to print
TABLES = (("text", "txt"), ("markdown", "md"), ("latex", "tex"), ("json", "json"), ("csv", "csv"))


def write_results(store: Store, studies: Sequence[StudyRecord], folder: Path | None) -> None:
    """Write tables, figures and, for a search, tuned configurations into a folder, replacing older files.

    Args:
        store: Holds the studies.
        studies: Of one run.
        folder: Created if missing; None: nothing is written.
    """
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    root, results = folder.resolve(), table(store, studies)
    for format, ending in TABLES:
        files.write(folder / f"table.{ending}", results.to_format(format) + "\n", overwrite=True)
    for study, row in zip((study for study in studies if study.is_search), results.searches, strict=True):
        if study.tuned is not None and row.best is not None:
            for format in ("json", "yaml"):
                file = folder / f"{study.spec.workload.optimizer.replace(':', '-')}.{format}"
                if not file.resolve().is_relative_to(root):  # a name in a database of unknown origin
                    raise Damaged(f"the study {study.spec.name!a} would be written outside {str(folder)!r}")
                files.write(file, exports.export(study, format, row), overwrite=True)
    for name, content in run_figures(store, studies, FIGURES):
        files.write(folder / name, content, overwrite=True)
