"""The report in Chromium: it loads without a word of complaint, fits, sorts, and prints."""

import pytest

from tests.support.browser import browser, needs_chromium
from tests.support.command_line import call
from tests.support.report_values import database

pytestmark = needs_chromium
TABLE = "[...document.querySelectorAll('table')].find((each) => each.getAttribute('aria-label') === 'Hyperparameters')"
PHONE, DESKTOP = 390, 1280


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    outcome = call("report", "--database", database(folder / "runs.db"), "--output", folder / "report.html")
    assert outcome.code == 0, outcome.err
    return f"file://{folder / 'report.html'}"


@pytest.fixture(scope="module")
def page():
    with browser() as opened:
        yield opened


def column(page, number):
    return page.value(f"[...{TABLE}.tBodies[0].rows].map((row) => row.cells[{number}].textContent)")


def press(page, number):
    page.value(f"{TABLE}.tHead.rows[0].cells[{number}].querySelector('button').click()")


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_it_loads_without_complaint_fits_the_window_and_shows_its_figures(page, address, width):
    page.problems.clear()
    page.requests.clear()
    page.open(address, width=width)
    assert page.problems == []
    assert [each for each in page.requests if not each.startswith("data:image/svg+xml")] == [address]
    assert page.value("typeof hacked") == "undefined"  # the database holds scripts
    assert page.value("innerWidth") == width
    assert page.value("document.documentElement.scrollWidth") <= width
    assert page.value("[...document.images].every((each) => each.complete && each.naturalWidth > 0)")
    assert page.value("document.images.length") >= 4
    assert page.value("Math.min(...[...document.images].map((each) => each.getBoundingClientRect().height))") > 100
    assert page.picture().startswith(b"\x89PNG")


def test_a_click_sorts_upwards_another_downwards_and_a_third_puts_back(page, address):
    page.open(address, width=DESKTOP)
    before = column(page, 1)
    press(page, 2)
    assert column(page, 2) == ["0.001", "0.001", "0.9", "0.9", "0.999", "1"]
    press(page, 2)
    assert column(page, 2) == ["1", "0.999", "0.9", "0.9", "0.001", "0.001"]
    assert page.value(f"{TABLE}.tHead.rows[0].cells[2].getAttribute('aria-sort')") == "descending"
    press(page, 2)
    assert column(page, 1) == before
    press(page, 1)
    assert column(page, 1) == sorted(before)


def test_without_scripts_the_tables_are_there_and_no_button_promises_anything(page, address):
    page.open(address, width=DESKTOP, scripts=False)
    tree = page.ask("DOM.getDocument", depth=-1)
    text = str(tree)
    assert "initial_learning_rate" in text
    assert "'nodeName': 'BUTTON'" not in text
    page.ask("Emulation.setScriptExecutionDisabled", value=False)


def test_it_can_be_printed(page, address):
    page.open(address, width=DESKTOP)
    pdf = page.printed()
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 20_000
