"""`lodo-tune optimizers` and `lodo-tune optimizers check`.

They list the optimizers, and check whether one meets its requirements.
"""

from __future__ import annotations

import json

import click

from tuner.cli.findings import examined, listed, raise_if_any_failed
from tuner.cli.flags import debug_option, only_json_option
from tuner.cli.group import Group
from tuner.cli.streams import for_users_code


@click.group(
    "optimizers",
    cls=Group,
    invoke_without_command=True,
    epilog="\b\nExample: lodo-tune optimizers\nExample: lodo-tune optimizers check my_file.py:MyOptimizer",
)
@only_json_option
@debug_option
@click.pass_context
def optimizers_group(context: click.Context, as_json: bool, debug: bool) -> None:
    """List the optimizers: built in, of installed packages, and of Keras; or check one."""
    from tuner.api.optimizers import known_optimizers

    if context.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError(f"options of {context.invoked_subcommand!r} come after it; move --json")
        return
    known = known_optimizers()
    if as_json:
        click.echo(json.dumps([{"name": name, "summary": summary} for name, summary in known.items()]))
        return
    width = max(map(len, known))
    for name, summary in known.items():
        click.echo(f"{name:{width}}  {summary}")


@optimizers_group.command(epilog="Example: lodo-tune optimizers check my_file.py:MyOptimizer")
@click.argument("name")
@only_json_option
@debug_option
def check(name: str, as_json: bool, debug: bool) -> None:
    """Check whether the optimizer NAME fulfils the protocol of an optimizer; exit code 1 if it does not.

    NAME is as --optimizers takes it. Shapes, state, hyperparameters, lanes, determinism and convergence are tested, one
    line each, at the defaults. A search and 'train' test the most important of these themselves before they start on
    an optimizer of your own.
    """
    from tuner.api.optimizers import optimizer_probes
    from tuner.checks.optimizer_suite import CHECKS
    from tuner.cli.watchdog import Watchdog
    from tuner.training.tensorflow import without_retracing_warnings

    with Watchdog(None), without_retracing_warnings():
        with for_users_code():
            chosen, remark, probes = optimizer_probes(name)
        defaults = probes[-1].defaults
        if not as_json:
            values = ", ".join(f"{each} {value:g}" for each, value in defaults.items())
            click.echo(f"{chosen.name} in {' and '.join(probe.dtype for probe in probes)}, at the defaults: {values}")
            if remark:
                click.echo(remark)
        findings = list(examined(probes, CHECKS, chosen.name, print_each=not as_json))
    if as_json:
        document = {"optimizer": chosen.name, "place": chosen.place, "hyperparameters": defaults, **listed(findings)}
        click.echo(json.dumps(document, allow_nan=False))
    raise_if_any_failed(name, findings)
