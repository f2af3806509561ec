"""The architecture page and the import-linter contracts say the same."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("lodo", "tasks", "search_spaces")
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
ROWS = [row.split(" | ") for each in CONTRACTS if each.get("containers") == ["tuner"] for row in each["layers"]]
ROOMS = [room for row in ROWS for room in row]


def allowed_by_contracts(room):
    below = next(number for number, row in enumerate(ROWS) if room in row) + 1
    allowed = {other for row in ROWS[below:] for other in row} | set(PACKAGES)
    for contract in CONTRACTS:
        if contract.get("source_modules") == [f"tuner.{room}"]:
            allowed -= {name.removeprefix("tuner.") for name in contract["forbidden_modules"]}
    return allowed


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in ("cli", "api")])
def test_the_page_lists_the_imports_that_the_contracts_allow(room):
    section = PAGE.partition(f"### `tuner/{room}/`")[2].partition("\n#")[0]
    listed = re.search(r"\*\*May import:\*\*([^*]*)\.\s+\*\*", section)
    assert listed, room
    assert set(re.findall(r"`(\w+)`", listed[1])) == allowed_by_contracts(room)


@pytest.mark.parametrize("room", ["cli", "api"])
def test_the_contracts_allow_the_front_ends_and_the_api_all_rooms_below(room):
    below = ROOMS[ROOMS.index(room) + 1 :]
    assert allowed_by_contracts(room) == {*below, *PACKAGES}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]


def test_every_outside_library_has_a_contract_of_where_it_is_imported():
    files = [path for package in ("tuner", *PACKAGES) for path in (ROOT / package).rglob("*.py")]
    used = {name for path in files for name in imported(path)}
    outside = used - sys.stdlib_module_names - {"tuner", *PACKAGES}
    protected = {name for each in CONTRACTS if each["type"] == "protected" for name in each["protected_modules"]}
    assert outside - protected == {"numpy"}
