"""The page of a report, with a part for each run.

Each part has the run's setting, tables, figures, failures and ledger.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from markupsafe import Markup

from tuner.results.analysis.margins import Margin, judged
from tuner.results.analysis.several_tasks import on_each_task
from tuner.results.analysis.summary import summarise_in_detail
from tuner.results.figures import Picture
from tuner.results.report.accounting import Failures, Ledger, comparison_ledger, failures, search_ledger
from tuner.results.report.pages import render
from tuner.results.report.runs import ComparisonRun, Run, SearchRun
from tuner.results.report.setting import setting, status
from tuner.results.tables import comparison, search
from tuner.results.tables.listing import moment
from tuner.results.tables.numbers import counted
from tuner.results.tables.section import Section


@dataclass(frozen=True, slots=True)
class _RunView:
    """The values of a run that the templates show."""

    anchor: str
    name: str
    what: str  # "search", "comparison" or "sweep of momentum"
    task: str
    optimizers: int
    status: str
    created: str
    facts: Mapping[str, str]
    command: str
    results: str  # the template of its tables
    sections: Sequence[Section]
    pictures: Sequence[Picture]
    ledger: Ledger
    failures: Failures


def document(runs: Sequence[Run], *, source: str, version: str, written_at: str, margin: Margin | None = None) -> str:
    """Return a report as one HTML file that needs no network.

    All texts of the runs are escaped. The page's policy allows only its own script, and no address outside the page.

    Args:
        runs: Runs in the order of the page.
        source: URL of the database, without passwords.
        version: Version of lodo-tune.
        written_at: Time of writing, UTC in ISO 8601.
        margin: The smallest gain that matters. Default: that of `tuner.results.analysis.margins`.

    Raises:
        ValueError: A run's search space cannot be read.
    """
    style, script = (resources.files(__package__).joinpath(name).read_text("utf-8") for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return render(
        "page.html",
        title=runs[0].name if len(runs) == 1 else counted(len(runs), "run"),
        policy=policy,
        style=Markup(style),  # noqa: S704 (a file of this package)
        script=Markup(script),  # noqa: S704
        source=source,
        written=moment(written_at),
        version=version,
        runs=[_view(run, f"run-{number}", margin) for number, run in enumerate(runs, 1)],
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _view(run: Run, anchor: str, margin: Margin | None) -> _RunView:
    sections: Sequence[Section]
    if isinstance(run, SearchRun):
        summaries = [summarise_in_detail(study, candidates) for study, candidates in run.studies]
        sections = search.sections(judged(summaries, margin))
        ledger = search_ledger(run.studies, [section.tables[-1] for section in sections])
        members = [
            (f"{study.spec.label}{f' on {on_task.spec.task_label}' if study.search.further else ''}", own)
            for study, candidates in run.studies
            for on_task, own in on_each_task(study, candidates)
        ]
    else:
        sections = [comparison.section(run.comparison)]
        ledger = comparison_ledger(run.comparison)
        members = [(one.name, [each.candidate for each in one.runs]) for one in run.comparison.contenders]
    sweep = run.comparison.sweep if isinstance(run, ComparisonRun) else None
    first = run.records[0]
    return _RunView(
        anchor=anchor,
        name=run.name,
        what=f"sweep of {sweep}" if sweep else str(first.spec.kind),
        task=first.spec.task_label,
        optimizers=len(run.records),
        status=status(run),
        created=moment(first.created_at),
        facts=setting(run),
        command=run.command,
        results="search.html" if isinstance(run, SearchRun) else "comparison.html",
        sections=sections,
        pictures=run.pictures,
        ledger=ledger,
        failures=failures(members),
    )
