"""Results of checks, printed as they come: of a task, or of an optimizer."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from tuner.cli.streams import for_users_code

if TYPE_CHECKING:
    from tuner.checks.check import Check, Finding


def examined(probes: Sequence[Any], checks: Sequence[Check], name: str, *, print_each: bool) -> Iterator[Finding]:
    """Examine a task or an optimizer, and print each finding as it comes."""
    from tuner.checks.examination import examine

    width = max(len(check.name) for check in checks)
    findings = examine(probes, checks)
    for number, check in enumerate(checks, 1):
        with _progress(f"{name}: {check.name} ({number} of {len(checks)})"), for_users_code():
            finding = next(findings)
        if print_each:
            click.echo(_line(finding, width))
        yield finding


@contextmanager
def _progress(text: str) -> Iterator[None]:
    """Show what is under way on a line of its own; nothing outside a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    click.echo(f"\r\x1b[K{text}", nl=False, err=True)
    try:
        yield
    finally:
        click.echo("\r\x1b[K", nl=False, err=True)


def _line(finding: Finding, width: int) -> str:
    """Return a line on a finding, and one below it on what is wrong or remarkable."""
    if finding.verdict == "skipped":
        return f"-      {finding.check.name:{width}}  {finding.note}"
    verdict = "ok" if finding.verdict == "passed" else "WRONG"
    said = f"{verdict:5}  {finding.check.name:{width}}  {finding.check.demand}"
    return f"{said}\n       {'':{width}}  {finding.note}" if finding.note else said


def listed(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return findings as JSON takes them."""
    checks = [
        {"name": each.check.name, "demand": each.check.demand, "verdict": str(each.verdict), "note": each.note}
        for each in findings
    ]
    return {"passed": all(finding.verdict != "failed" for finding in findings), "checks": checks}


def raise_if_any_failed(name: str, findings: Sequence[Finding]) -> None:
    """End the command with exit code 1 if a check failed."""
    failed = [finding.check.name for finding in findings if finding.verdict == "failed"]
    if failed:
        raise click.ClickException(f"{name}: {len(failed)} of {len(findings)} checks failed: {', '.join(failed)}")
