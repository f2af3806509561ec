"""Tables and lists of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tuner.results.report.markup import Html, element, joined
from tuner.results.tables.grid import Grid


def table(caption: str, grid: Grid, *, prose: Sequence[int] = ()) -> Html:
    """Return a table that can be sorted by a click, and that is moved sideways where the page is too narrow.

    Args:
        caption: Its title.
        grid: Its cells; texts are escaped, elements stand as they are.
        prose: Numbers of the columns whose cells are sentences, which are broken.
    """

    def kind(column: int) -> dict[str, str]:
        kinds = ["left"] if column in grid.left else []
        kinds += ["text"] if column in prose else []
        return {"class_": " ".join(kinds)} if kinds else {}

    head = element("tr", *(element("th", title, scope="col", **kind(at)) for at, title in enumerate(grid.header)))
    rows = [
        element(
            "tr",
            *(
                element("td", element("strong", cell) if (number, at) in grid.bold else cell, **kind(at))
                for at, cell in enumerate(row)
            ),
        )
        for number, row in enumerate(grid.rows)
    ]
    content = (element("thead", head), element("tbody", *rows))
    # A region that is moved sideways must be within reach of the keyboard; its title stays where it is.
    return joined(
        element("p", caption, class_="caption"),
        element("div", element("table", *content, class_="sortable", aria_label=caption),
                class_="wide", tabindex="0", role="region", aria_label=caption),
    )  # fmt: skip


def facts(named: Mapping[str, str]) -> Html:
    """Return a list of names with what is to be said of each."""
    return element("dl", *(joined(element("dt", name), element("dd", value)) for name, value in named.items()))


def sentences(lines: Sequence[str]) -> Html:
    """Return paragraphs in small type, of what explains a table."""
    return joined(*(element("p", line, class_="soft") for line in lines))


def bullets(lines: Sequence[str]) -> Html:
    """Return remarks as a list; nothing of none."""
    return element("ul", *(element("li", line) for line in lines)) if lines else joined()
