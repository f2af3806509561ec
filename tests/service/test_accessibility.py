"""The pages by the rules of axe-core: people with a keyboard or a screen reader can use them.

axe-core is not among the dependencies: `npm install axe-core`, and its file axe.min.js in AXE_CORE.
"""

import os
from pathlib import Path

import pytest

from tests.service.test_pages_in_a_browser import file, opened, page, pages  # noqa: F401 - fixtures
from tests.support.browser import needs_chromium
from tests.support.reading_service import application, served

AXE = Path(os.environ.get("AXE_CORE", "/usr/share/javascript/axe-core/axe.min.js"))
RULES = "wcag2a, wcag2aa, wcag21a, wcag21aa, wcag22aa, best-practice"

pytestmark = [
    needs_chromium,
    pytest.mark.slow,
    pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed (npm install axe-core; AXE_CORE=FILE)"),
]


def violations(page):  # noqa: F811
    """Return what violates the rules on the page that is open: impact, rule, and the first places."""
    page.value(AXE.read_text(encoding="utf-8") + "; 0")
    found = page.value(
        f"axe.run(document, {{runOnly: {[rule.strip() for rule in RULES.split(',')]}}}).then((result) =>"
        " result.violations.map((one) => [one.impact, one.id, one.nodes.slice(0, 3).map((node) => node.html)]))"
    )
    return [tuple(one) for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_no_page_violates_a_rule(page, file, pages, scheme, width):  # noqa: F811
    page.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    with opened(page, file) as address:
        found = {}
        for path in [*pages, "/runs/first/figures", "/runs/nothing"]:
            page.open(address + path, width=width)
            if here := violations(page):
                found[path] = here
        assert found == {}


def test_the_page_to_log_in_violates_no_rule(page, file):  # noqa: F811
    with served(application(str(file))) as address:
        page.ask("Network.enable")
        page.ask("Network.clearBrowserCookies")
        page.open(f"{address}/login", width=390)
        assert violations(page) == []


def test_a_page_that_violates_a_rule_is_found(page, file):  # noqa: F811
    with served(application(str(file))) as address:
        page.open(f"{address}/login", width=390)
        page.value("document.documentElement.removeAttribute('lang')")
        assert [(impact, rule) for impact, rule, _ in violations(page)] == [("serious", "html-has-lang")]
