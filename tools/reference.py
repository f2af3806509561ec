"""Reference pages made from the code: command line, Python API, schema, exports.

Each function returns Markdown. `tools/in_step.py` writes it to its place, or checks that it is there.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from schema import COLUMNS

_COMMAND_LINE = """# Command line

Generated from `--help`; `make docs` writes this page. Exit codes and environment variables are in
[Exit codes and environment](environment.md), the keys of `--json` in [JSON output](json.md).
"""

_PYTHON = """# Python API

Generated from the docstrings; `make docs` writes this page.
"""

_DATABASE = """# Database schema

Generated from `tuner/storage/tables.py`; `make docs` writes this page. This is schema {version}. The version of a
database is in its table `{version_table}`; how a database is brought to the newest schema is in
[Resume a run and maintain a database](../guides/database.md).

Tables and columns are a [contract](../release-policy.md): a query that works on one schema keeps working on the next,
unless the changelog announced its end. `JSON` columns are never NaN or infinity. Times that people read are text, UTC
in ISO 8601. The bytes of a curve are compressed by zlib, after the first byte of every number, then the second, and so
on, of an array of the given `dtype` in little-endian order.
"""

# What is documented beside the names of `tuner`: heading, and what `mkdocstrings` is to show.
_OF_USERS = {
    "Tasks": ("tasks.function_task:function_task", "tasks.keras_task:keras_task", "tasks.task:Task"),
    "Presets of a task": ("tasks.preset:Preset", "tasks.preset:ComparisonPreset"),
    "Optimizers": ("lodo.keras:LODO", "lodo.keras:LODODiagonal", "lodo.optimizer:Optimizer"),
    "Search spaces": ("search_spaces.dimension:Dimension", "search_spaces.space:SearchSpace"),
    "Strategies": ("tuner.strategies.strategy:Strategy",),
    "Other tuners": (
        "tuner.integrations.ray_tune:Genetic",
        "tuner.integrations.optuna:GeneticSampler",
        "tuner.integrations.optuna:seed_of",
        "tuner.integrations.optuna:budget_of",
        "tuner.integrations.optuna_studies:read_studies",
        "tuner.integrations.ray_tune_results:read_experiment",
    ),
}


def command_line() -> str:
    """Return the reference of the command line: the `--help` of every verb."""
    from tuner.cli import commands as group

    context = click.Context(group, info_name="lodo-tune", max_content_width=110, terminal_width=110)
    return "\n".join([_COMMAND_LINE, *_sections("lodo-tune", group, context)])


def _sections(title: str, command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield the section of a command, and those of the commands within it."""
    yield f"## {title}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        below = click.Context(inner, info_name=name, parent=context, terminal_width=110)
        yield from _sections(f"{title} {name}", inner, below)


def python() -> str:
    """Return the page of the Python API: a directive of mkdocstrings for each public name."""
    import tuner

    parts = [_PYTHON]
    public = [getattr(tuner, name) for name in getattr(tuner, "__all__", ())]
    documented = [(f"tuner.{value.__name__}", value) for value in public if hasattr(value, "__qualname__")]
    if documented:
        parts += ["## `tuner`\n", *(_directive(name, _place(value)) for name, value in documented)]
    for heading, places in _OF_USERS.items():
        shown = (place.replace(":", ".") for place in places)
        parts += [f"## {heading}\n", *(_directive(place, place) for place in shown)]
    return "\n".join(parts)


def _place(value: Any) -> str:
    """Return where a function or class is defined: mkdocstrings reads source code and imports nothing."""
    return f"{value.__module__}.{value.__qualname__}"


def _directive(heading: str, place: str) -> str:
    return f'::: {place}\n    options:\n      heading: "{heading}"\n      toc_label: "{heading.rpartition(".")[2]}"\n'


def openapi() -> str:
    """Return the description of the service's HTTP API."""
    from tuner.service.description import description

    return json.dumps(description(), indent=2, ensure_ascii=False) + "\n"


def database() -> str:
    """Return the page of the database schema: a table of columns for each table."""
    from tuner.storage import schema, tables

    parts = [_DATABASE.format(version=schema.VERSION, version_table=schema.VERSION_TABLE)]
    for table in tables.metadata.sorted_tables:
        rows = [
            f"| `{column.name}` | {_type(column)} | {'yes' if column.nullable else 'no'} | {_of_column(column)} |"
            for column in table.columns
        ]
        unique = [
            ", ".join(f"`{column.name}`" for column in constraint.columns)
            for constraint in sorted(table.constraints, key=lambda constraint: str(constraint.name))
            if type(constraint).__name__ == "UniqueConstraint"
        ]
        head = "| column | type | NULL | meaning |\n|---|---|---|---|"
        parts.append("\n".join([f"## `{table.name}`\n", head, *rows, ""]))
        parts += [f"Unique: {columns}.\n" for columns in unique]
    return "\n".join(parts)


def _type(column: Any) -> str:
    length = getattr(column.type, "length", None)
    name = type(column.type).__name__.upper()
    return f"{name}({length})" if length else name


def _of_column(column: Any) -> str:
    parts = ["primary key"] if column.primary_key else []
    parts += [f"references `{key.target_fullname}`" for key in column.foreign_keys]
    parts.append(COLUMNS.get(column.table.name, {}).get(column.name, ""))
    return "; ".join(filter(None, parts))


def undescribed_columns() -> Iterator[str]:
    """Yield the columns of the schema that have no description, and descriptions of columns that do not exist."""
    from tuner.storage import tables

    existing = {(table.name, column.name) for table in tables.metadata.sorted_tables for column in table.columns}
    described = {(table, column) for table, columns in COLUMNS.items() for column in columns}
    for table, column in sorted(existing ^ described):
        yield f"tools/schema.py: the column {table}.{column} has no description, or does not exist"


def metrics() -> str:
    """Return the table of the metrics that the driver exports through Ray."""
    from tuner.execution.ray.metrics import COUNTERS, GAUGES

    rows = [f"| `ray_{name}` | gauge | {text} |" for name, text in GAUGES.items()]
    rows += [f"| `ray_{name}_total` | counter | {text} |" for name, text in COUNTERS.items()]
    return "\n".join(["", "| metric | kind | meaning |", "| --- | --- | --- |", *rows, "", ""])


def put_in(path: Path, what: str, made: str) -> str:
    """Return a document with the text between the two marks of what is generated replaced."""
    marks = (f"<!-- {what}: made from the code -->", f"<!-- end of the {what} -->")
    before, begin, rest = path.read_text(encoding="utf-8").partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not (begin and end):
        raise SystemExit(f"{path} must have the marks {' and '.join(marks)}")
    return f"{before}{begin}\n{made}{end}{after}"


def features_of_keras() -> str:
    """Return the table of what a Keras task does with all that a model and `fit` can carry."""
    from tasks.keras_features import FEATURES

    rows = [f"| {feature.name} | {feature.treatment} | {feature.remark} |" for feature in FEATURES]
    return "\n".join(["| in `fit` or `evaluate` | in a task | |", "|---|---|---|", *rows]) + "\n"


def counterparts() -> str:
    """Return the table of exports: each optimizer's counterpart in other libraries, and where they differ."""
    import lodo.registry
    from search_spaces.loader import builtin

    exports = importlib.import_module("tuner.results.exports")
    keras, optax, rules, torch = (
        importlib.import_module(f"tuner.results.exports.{name}") for name in ("keras", "optax", "rules", "torch")
    )
    libraries = {"Keras": keras, "PyTorch": torch.TORCH, "Optax": optax.OPTAX}
    names = [*lodo.registry.OPTIMIZERS, *(name for name in rules.RULES if lodo.registry.is_of_keras(name))]
    rows: list[str] = []
    warned: dict[tuple[str, str], list[str]] = {}  # library and warning -> optimizers
    for name in names:
        own = name in lodo.registry.OPTIMIZERS
        values = builtin(name).defaults() if own else dict(rules.RULES[name].constants)
        values |= {"momentum": values["momentum"] or 0.9} if "momentum" in values else {}
        configuration = exports.Configuration(name, values, 1000, {})
        calls = {library: of.call(configuration) if of.has(name) else None for library, of in libraries.items()}
        cells = [f"`{call.target}`{' *' * bool(call.warnings)}" if call else "–" for call in calls.values()]
        rows.append(f"| {name} | {' | '.join(cells)} |")
        for library, call in calls.items():
            for warning in call.warnings if call else ():
                warned.setdefault((library, warning), []).append(name)
    remarks = [f"- **{library}: {', '.join(of)}.** {warning}" for (library, warning), of in sorted(warned.items())]
    head = f"| optimizer | {' | '.join(libraries)} |\n|---|{'---|' * len(libraries)}"
    return "\n".join(
        ["", head, *rows, "", "\\* with a warning, here at the defaults (momentum 0.9):", "", *remarks, "", ""]
    )
