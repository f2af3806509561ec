"""The files that `Run.save` writes: tables, tuned configurations, figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tuner.api.reading import drawable, table_of
from tuner.core import files
from tuner.core.outputs import Outputs
from tuner.core.study import StudyRecord
from tuner.results import exports
from tuner.results.figures import figure_files
from tuner.storage import Damaged, Store

FIGURES = ("png", "pdf")  # for screens, and for print
TABLES = (("text", "txt"), ("markdown", "md"), ("latex", "tex"), ("json", "json"), ("csv", "csv"))


def write_results(store: Store, records: Sequence[StudyRecord], folder: Path) -> None:
    """Write the tables and figures of a run, and the configurations of a search, to a folder; replace older files.

    A file that cannot be made does not prevent the others.

    Args:
        store: Open database.
        records: Studies of one run.
        folder: The folder; created if it does not exist.

    Raises:
        OutputsFailed: A file could not be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root, table = folder.resolve(), table_of(store, records)
    outputs = Outputs()
    for format, ending in TABLES:
        with outputs.attempt(f"table.{ending}"):
            files.write(folder / f"table.{ending}", table.to_format(format) + "\n", overwrite=True)
    for record, row in zip((record for record in records if record.is_search), table.searches, strict=True):
        if record.tuned is not None and row.best is not None:
            for format in ("json", "yaml"):
                file = folder / f"{record.spec.label.replace(':', '-')}.{format}"
                if not file.resolve().is_relative_to(root):  # a database of unknown origin may have such a name
                    raise Damaged(f"the study {record.spec.name!a} would be written outside {str(folder)!r}")
                with outputs.attempt(file.name):
                    files.write(file, exports.export(record, format, row), overwrite=True)
    for name, draw in figure_files(drawable(store, records), FIGURES):
        with outputs.attempt(name):
            content = draw()
            if content is not None:
                files.write(folder / name, content, overwrite=True)
    outputs.check()
