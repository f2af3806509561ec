"""The page of a report: runs one after the other, each with its setting, tables, figures, failures and ledger."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources

from tuner.results.analysis.summary import summarise
from tuner.results.report import ledgers
from tuner.results.report.markup import Html, element, joined, trusted
from tuner.results.report.runs import ComparisonRun, Picture, Run, SearchRun, named
from tuner.results.report.setting import setting, status
from tuner.results.report.tables import bullets, facts, sentences, table
from tuner.results.tables import comparison_table, comparison_words, remarks
from tuner.results.tables import table as tuned_table
from tuner.results.tables.grid import Grid
from tuner.results.tables.listing import moment
from tuner.results.tables.numbers import counted


def document(runs: Sequence[Run], *, source: str, version: str, written_at: str) -> str:
    """Return a report as one HTML file.

    All that comes from the runs is escaped, and the page forbids itself every script but its own and every address but
    those within it.

    Args:
        runs: In the order of the page.
        source: The database, as it may be shown.
        version: Of lodo-tune, which writes the page.
        written_at: UTC, ISO 8601.

    Raises:
        ValueError: A run's search space cannot be read.
    """
    style, script = (_own(name) for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    title = named(runs[0]) if len(runs) == 1 else counted(len(runs), "run")
    anchors = [f"run-{number}" for number in range(1, len(runs) + 1)]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title} – lodo-tune"),
        element("style", style),
    )
    body = element(
        "body",
        element("header", element("h1", f"lodo-tune: {title}"),
                element("p", f"Of {source}, written {moment(written_at)} UTC by lodo-tune {version}.", class_="soft")),
        *([_contents(runs, anchors)] if len(runs) > 1 else []),
        element("main", *(_run(run, anchor) for run, anchor in zip(runs, anchors, strict=True))),
        element("script", script),
    )  # fmt: skip
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _own(name: str) -> Html:
    """Return a file of this package, which stands in the page as it is."""
    return trusted(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _contents(runs: Sequence[Run], anchors: Sequence[str]) -> Html:
    rows = [
        [
            element("a", named(run), href=f"#{anchor}"),
            _what(run),
            run.records[0].spec.workload.task_label,
            str(len(run.records)),
            status(run),
            moment(run.records[0].created_at),
        ]
        for run, anchor in zip(runs, anchors, strict=True)
    ]
    header = ["run", "what", "task", "optimizers", "status", "created (UTC)"]
    return element("nav", table("Runs", Grid(header, rows, left=(0, 1, 2, 4, 5)), prose=(4,)))


def _what(run: Run) -> str:
    sweep = run.comparison.sweep if isinstance(run, ComparisonRun) else None
    return f"sweep of {sweep}" if sweep else run.records[0].spec.kind


def _run(run: Run, anchor: str) -> Html:
    results = _search(run) if isinstance(run, SearchRun) else _comparison(run)
    return element(
        "section",
        element("h2", f"{named(run)}: {_what(run)} on {run.records[0].spec.workload.task_label}", id=anchor),
        facts(setting(run)),
        element("p", "To repeat it:", class_="soft"),
        element("pre", run.command),
        *results,
    )


def _search(run: SearchRun) -> list[Html]:
    summaries = [summarise(study, candidates) for study, candidates in run.studies]
    parts = [element("h3", "What was tuned")]
    costs = []
    for group in tuned_table.alike(summaries):
        hyperparameters, fitnesses, cost = (table(title, grid) for title, grid in tuned_table.grids(group))
        parts += [fitnesses, sentences(remarks.legend(group)), hyperparameters, bullets(remarks.remarks(group))]
        costs.append(cost)
    parts += _figures(run.pictures)
    parts += [element("h3", "Fairness ledger"), ledgers.of_search(run.studies, joined(*costs))]
    members = [(study.spec.workload.optimizer, candidates) for study, candidates in run.studies]
    return [*parts, element("h3", "Failures"), ledgers.failures(members)]


def _comparison(run: ComparisonRun) -> list[Html]:
    compared = run.comparison
    parts = [element("h3", "How they compare")]
    first, *others = (table(title, grid) for title, grid in comparison_table.grids(compared))
    parts += [first, sentences(comparison_words.legend(compared)), bullets(comparison_words.notes(compared)), *others]
    parts.append(sentences([comparison_words.provenance(compared)]))
    parts += _figures(run.pictures)
    parts += [element("h3", "Fairness ledger"), ledgers.of_comparison(compared)]
    members = [(one.name, [each.candidate for each in one.runs]) for one in compared.contenders]
    return [*parts, element("h3", "Failures"), ledgers.failures(members)]


def _figures(pictures: Sequence[Picture]) -> list[Html]:
    if not pictures:
        return []
    return [
        element("h3", "Figures"),
        *(
            element(
                "figure",
                element("div", element("img", src=_address(one.svg), alt=one.title,
                                       class_="large" if one.wide else "small"),
                        class_="wide", tabindex="0", role="region", aria_label=one.title),
                element("figcaption", element("strong", f"{one.title}. "), one.caption),
            )
            for one in pictures
        ),
    ]  # fmt: skip


def _address(svg: bytes) -> str:
    """Return an image as an address that holds all of it; a script in one would not run."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
